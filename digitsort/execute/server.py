"""Start the server that worker processes are forked from, deaf to Ctrl-C from its first moment."""

from __future__ import annotations

import os
from multiprocessing import get_all_start_methods
from tempfile import gettempdir

from digitsort.files.interrupts import deaf_to_interrupts

PRELOADED = (
    *("digitsort.classify", "digitsort.batch", "digitsort.execute.worker"),
    *("digitsort.model.reading", "threadpoolctl"),
)
"""What a worker needs; loading it takes as long as all else before the first file."""


LONGEST_FOLDER = 64
"""Bytes of the path of the folder for temporary files in which the server's socket has a place: a
socket's path has 103 on some systems, and `multiprocessing` needs 33 of them."""


def has_server() -> bool:
    """Whether worker processes come from a forkserver on this system."""
    has_room = len(os.fsencode(gettempdir())) <= LONGEST_FOLDER
    return has_room and "forkserver" in get_all_start_methods()


def start_server() -> None:
    """Start it where it does not run yet; it loads what is needed once for all workers.

    `multiprocessing` lets it ignore Ctrl-C only once the modules are loaded.
    """
    from multiprocessing import forkserver, resource_tracker

    forkserver.set_forkserver_preload(list(PRELOADED))
    resource_tracker.ensure_running()  # it undoes the deafness, if it has to be started below
    with deaf_to_interrupts():
        forkserver.ensure_running()
