"""Tests of digitsort.recognition."""
