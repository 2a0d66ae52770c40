"""Limits below which a job runs without workers."""

from __future__ import annotations

FILES = 500
BYTES = 8 * 2**20
"""A job with fewer files and fewer bytes is finished before workers would have started."""
