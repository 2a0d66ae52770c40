"""The command as it runs where it is installed: its modules are compiled once, not at every start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "digitsort")


def user_environment() -> dict[str, str]:
    """The environment without what keeps Python from keeping compiled modules."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def run_digitsort(*arguments: str | Path, **options: Any) -> None:
    """Run it to its end; raises CalledProcessError where it fails."""
    subprocess.run([*COMMAND, *map(str, arguments)], check=True, env=user_environment(), **options)
