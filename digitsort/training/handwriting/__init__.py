"""Handwriting that a program invents: styles of each digit, strokes, a pen."""
