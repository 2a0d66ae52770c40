"""Tests of digitsort.training."""
