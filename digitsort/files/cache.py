"""Where digitsort keeps what it can make again."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "DIGITSORT_CACHE"


def cache_folder() -> Path:
    """The folder named by DIGITSORT_CACHE, else the user's cache folder as the system has it."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("digitsort", appauthor=False)
