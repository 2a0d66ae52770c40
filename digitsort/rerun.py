"""Record the settings of a run, so that `--resume` continues only the same run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path

from digitsort.errors import OutputError
from digitsort.files.names import printable
from digitsort.files.secret import seal
from digitsort.labels import Format

PURPOSE = b"run.json"

MOST_SOURCES = 100
"""Largest number of sources to record one by one; a longer list is recorded by its hash."""


@dataclass(frozen=True, slots=True)
class Run:
    """Settings of a run.

    Attributes
    ----------
    sources : str
        The files and folders named, as absolute paths, in order; a long list by its hash.
    links : str
        Whether linked folders are followed.
    model : str
        The model's fingerprint.
    settings, format, version : str
        Settings of the decision, format of the file, version of digitsort.
    adapt : str
        Whether the run has a second pass.
    """

    sources: str
    links: str
    model: str
    settings: str
    format: str
    version: str
    adapt: str = "False"

    @classmethod
    def of(
        cls,
        sources: Iterable[str],
        follow_links: bool,
        model: str,
        settings: object,
        form: Format,
        *,
        adapt: bool = False,
    ) -> Run:
        """Describe a run."""
        from digitsort import __version__

        absolute = [os.path.abspath(source) for source in sources]
        listed = json.dumps(absolute)
        if len(absolute) > MOST_SOURCES:
            listed = f"{len(absolute)} sources, sha256 {sha256(listed.encode()).hexdigest()}"
        links = str(follow_links)
        return cls(listed, links, model, repr(settings), form, __version__, str(adapt))

    def require_same(self, other: Run, folder: Path) -> None:
        """Raise OutputError, naming the differences, unless `other` has the same settings."""
        mine, theirs = asdict(self), asdict(other)
        names = [name for name in mine if mine[name] != theirs[name]]
        differing = [f"{name}: {theirs[name]}, now {mine[name]}" for name in names]
        if differing:
            said = printable("; ".join(differing))
            raise OutputError(
                f"The run in {printable(str(folder))} is a different one ({said}). "
                "Use the same settings, or start over with --force instead of --resume."
            )

    def to_bytes(self) -> bytes:
        """Return the settings as JSON, with a seal that only this user can make."""
        described = json.dumps(asdict(self))
        return json.dumps({"run": described, "seal": seal(PURPOSE, described.encode())}).encode()


def run_of(content: bytes) -> Run | None:
    """Return the run that `Run.to_bytes` described; None if another user or program wrote it."""
    try:
        kept = json.loads(content)
        described = kept["run"]
        if not compare_digest(kept["seal"].encode(), seal(PURPOSE, described.encode()).encode()):
            return None
        return Run(**json.loads(described))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
