"""Tests of `digitsort.sources`."""
