"""Fuzzers: seeded mutants, read in processes of their own under a limit of memory."""
