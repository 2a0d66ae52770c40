"""A process that lost its parent."""

from __future__ import annotations

import os
import shutil
from multiprocessing import parent_process
from pathlib import Path


def end_with_parent(folder: Path | None = None) -> None:
    """Wait for the parent's end, and end too: one that was killed can't end its workers.

    Nor can it remove its temporary `folder`; that goes too.
    """
    parent = parent_process()
    if parent is not None:
        parent.join()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)
