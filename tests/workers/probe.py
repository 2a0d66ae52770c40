"""What a process that was started says of itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from digitsort.workers.process import to_parent


def main() -> None:
    """Send the import path, that of a grandchild, the signals that are blocked, and await the end."""
    channel = to_parent()
    code = "import sys; print(sys.path)"
    grandchild = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    print("nobody reads this")
    channel.send((sys.path, eval(grandchild.stdout), sorted(blocked), os.getcwd()))
    try:
        channel.receive()
    except EOFError:
        os._exit(3)
