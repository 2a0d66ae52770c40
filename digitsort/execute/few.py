"""How much work is little enough to be done without workers."""

from __future__ import annotations

FILES = 500
BYTES = 8 * 2**20
"""Fewer files than this and less in them are done before workers have started."""
