"""Tests of digitsort.model."""
