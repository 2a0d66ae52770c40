"""Renew the outputs that the README and docs/ show: `python -m tests.renew_readme`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.readme import PAGES, run_commands, shown_outputs, with_outputs


def main() -> None:
    """Run what the pages show, and write down what it printed."""
    with TemporaryDirectory() as folder:
        outputs = run_commands(list(shown_outputs(slow=True)), Path(folder))
    for page in PAGES:
        page.write_text(with_outputs(page.read_text(encoding="utf-8"), outputs), encoding="utf-8")


if __name__ == "__main__":
    main()
