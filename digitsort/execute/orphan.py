"""A process that lost its parent."""

from __future__ import annotations

import os
from multiprocessing import parent_process


def end_with_parent() -> None:
    """Wait for the parent's end, and end too: one that was killed can't end its workers."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
