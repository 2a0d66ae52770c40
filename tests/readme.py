"""The outputs that the README shows, and what the commands print today."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
README = REPOSITORY / "README.md"

_SHOWN = re.compile(
    r"<!-- output of: (?P<command>[^\n]+?) -->\n```text\n(?P<output>.*?)```\n", re.DOTALL
)

FIRST_USE = "First use: training the default model. This takes a few seconds, once.\n"


def shown_outputs() -> dict[str, str]:
    """Command to the output that the README shows, in order."""
    return {m["command"]: m["output"] for m in _SHOWN.finditer(README.read_text(encoding="utf-8"))}


def run_commands(commands: list[str], folder: Path) -> dict[str, str]:
    """Run commands one after the other beside a copy of the samples; stdout and stderr as they come."""
    shutil.copytree(REPOSITORY / "sample_images", folder / "sample_images")
    return {command: _run(command, folder) for command in commands}


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
    lines = [line.rstrip() for line in output.replace(FIRST_USE, "").splitlines()]
    return "\n".join(lines).strip("\n") + "\n"


def scrubbed(output: str) -> str:
    """Without what differs between machines: a model's fingerprint, the last digits of confidences."""
    output = re.sub(r",[0-9a-f]{12}$", ",<model>", output, flags=re.MULTILINE)
    return re.sub(r"\b([01]\.\d)\d{3}\b", r"\1…", output)


def with_outputs(text: str, outputs: dict[str, str]) -> str:
    """A README's text with other outputs."""

    def renewed(match: re.Match[str]) -> str:
        command = match["command"]
        return f"<!-- output of: {command} -->\n```text\n{outputs[command]}```\n"

    return _SHOWN.sub(renewed, text)
