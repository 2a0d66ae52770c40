"""Renew the outputs that the README shows: `python -m tests.renew_readme`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.readme import README, run_commands, shown_outputs, with_outputs


def main() -> None:
    """Run what the README shows and write down what it printed."""
    with TemporaryDirectory() as folder:
        outputs = run_commands(list(shown_outputs(slow=True)), Path(folder))
    README.write_text(with_outputs(README.read_text(encoding="utf-8"), outputs), encoding="utf-8")


if __name__ == "__main__":
    main()
