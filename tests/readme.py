"""The outputs that the README and the pages of docs/ show, and what the commands print today."""

from __future__ import annotations

import csv
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
README = REPOSITORY / "README.md"
PAGES = (README, *sorted((REPOSITORY / "docs").glob("*.md")))

_SHOWN = re.compile(
    r"<!-- (?P<slow>slow )?output of: (?P<command>[^\n]+?) -->\n```text\n(?P<output>.*?)```\n",
    re.DOTALL,
)

CORRECTIONS = "corrections.csv"


def shown_outputs(*, slow: bool) -> dict[str, str]:
    """Map each command to the output that a page shows, in order; with or without the slow ones."""
    found = (match for page in PAGES for match in _SHOWN.finditer(page.read_text(encoding="utf-8")))
    return {m["command"]: m["output"] for m in found if slow or not m["slow"]}


def run_commands(commands: list[str], folder: Path) -> dict[str, str]:
    """Run commands one after the other beside a copy of the samples; stdout and stderr as they come."""
    shutil.copytree(REPOSITORY / "sample_images", folder / "sample_images")
    outputs = {}
    for command in commands:
        if CORRECTIONS in command and not (folder / CORRECTIONS).exists():
            label_as_the_person_does(folder)
        outputs[command] = _run(command, folder)
    return outputs


def samples_truth(folder: Path) -> dict[str, str]:
    """What the samples in a folder show, by the path that a labels.csv there gives them."""
    with (folder / "sample_images" / "truth.csv").open(encoding="utf-8", newline="") as file:
        return {f"sample_images/{row['path']}": row["label"] for row in csv.DictReader(file)}


def label_as_the_person_does(folder: Path) -> None:
    """Write the corrections.csv of somebody who says on the page what every sample shows."""
    truth = samples_truth(folder)
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = [{**row, "human": truth[row["path"]]} for row in csv.DictReader(file)]
    with (folder / CORRECTIONS).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _run(command: str, folder: Path) -> str:
    words = shlex.split(command)
    if words[0] == "digitsort":
        words = [sys.executable, "-m", *words]
    done = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "100", "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=True,
    )
    output = done.stdout.replace(str(folder.resolve()), "/home/you")
    lines = [line.rstrip() for line in output.splitlines()]
    return "\n".join(lines).strip("\n") + "\n"


def scrubbed(output: str) -> str:
    """Without what differs between machines: a model's fingerprint, the last digits of confidences."""
    output = re.sub(r",[0-9a-f]{12}$", ",<model>", output, flags=re.MULTILINE)
    return re.sub(r"\b([01]\.\d)\d{3}\b", r"\1…", output)


def with_outputs(text: str, outputs: dict[str, str]) -> str:
    """Return the text of a page with other outputs."""

    def renewed(match: re.Match[str]) -> str:
        command = match["command"]
        slow = match["slow"] or ""
        return f"<!-- {slow}output of: {command} -->\n```text\n{outputs[command]}```\n"

    return _SHOWN.sub(renewed, text)
