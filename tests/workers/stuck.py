"""A process that does not end when it should."""

from __future__ import annotations

import time

from digitsort.workers.process import to_parent


def main() -> None:
    """Say that it has begun, and sleep."""
    to_parent().send("begun")
    time.sleep(60)
