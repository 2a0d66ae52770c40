"""What two runs have in common of which one goes on with what the other began."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from digitsort.errors import OutputError
from digitsort.files.names import printable
from digitsort.labels import Format

MOST_SOURCES = 100
"""A longer list of sources is remembered by its hash."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a run was asked for.

    Attributes
    ----------
    sources : str
        The files and folders named, as absolute paths, in order; a long list by its hash.
    links : str
        Whether linked folders are followed.
    model : str
        The model's fingerprint.
    settings, format, version : str
        Of the decision, of the file, of digitsort.
    """

    sources: str
    links: str
    model: str
    settings: str
    format: str
    version: str

    @classmethod
    def of(
        cls, sources: Iterable[str], follow_links: bool, model: str, settings: object, form: Format
    ) -> Run:
        """Describe a run."""
        from digitsort import __version__

        absolute = [os.path.abspath(source) for source in sources]
        listed = json.dumps(absolute)
        if len(absolute) > MOST_SOURCES:
            listed = f"{len(absolute)} sources, sha256 {sha256(listed.encode()).hexdigest()}"
        return cls(listed, str(follow_links), model, repr(settings), form, __version__)

    def require_same(self, other: Run, folder: Path) -> None:
        """Raise OutputError, naming what differs, unless `other` can be gone on with."""
        mine, theirs = asdict(self), asdict(other)
        names = [name for name in mine if mine[name] != theirs[name]]
        differing = [f"{name}: {theirs[name]}, now {mine[name]}" for name in names]
        if differing:
            raise OutputError(
                f"The run in {printable(str(folder))} was another one ({'; '.join(differing)}). "
                "Ask for the same, or start over with --force instead of --resume."
            )

    def write(self, path: Path) -> None:
        """Write it down, at once or not at all."""
        temporary = path.with_name(f"{path.name}.tmp")
        temporary.write_text(json.dumps(asdict(self)), encoding="utf-8")
        temporary.replace(path)


def read_run(path: Path) -> Run | None:
    """The run that `Run.write` wrote down; None where there is none."""
    try:
        return Run(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise OutputError(
            f"{printable(str(path))} can't be read: {error}. Start over with --force, after removing "
            "its folder."
        ) from error
