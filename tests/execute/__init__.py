"""Tests of digitsort.execute."""
