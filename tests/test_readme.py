"""README and docs/ tell the truth: outputs, links, the code layout, columns, exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from digitsort.cli import COMMANDS
from digitsort.errors import ExitCode
from digitsort.images import limits
from digitsort.labels.labels_csv import COLUMNS
from digitsort.sources import located
from tests.readme import PAGES, REPOSITORY, run_commands, scrubbed, shown_outputs

DOCS = REPOSITORY / "docs"
LAYOUT = (DOCS / "code-layout.md").read_text(encoding="utf-8")
REFERENCE = (DOCS / "reference.md").read_text(encoding="utf-8")


@pytest.mark.skipif(
    not Path("/usr/bin/head").exists(), reason="the README's commands are a Unix shell's"
)
@pytest.mark.parametrize(
    ("slow", "count"), [(False, 9), pytest.param(True, 14, marks=pytest.mark.slow)]
)
def test_the_outputs_are_those_of_today(tmp_path: Path, slow: bool, count: int) -> None:
    shown = shown_outputs(slow=slow)
    assert len(shown) == count
    actual = run_commands(list(shown), tmp_path)
    for command, output in shown.items():
        assert scrubbed(output) == scrubbed(actual[command]), command


def test_the_code_layout_is_complete() -> None:
    """Every package and every module stands in it; a command's module has the command's name."""
    package = REPOSITORY / "digitsort"
    packages = {f"{p.name}/" for p in package.iterdir() if (p / "__init__.py").exists()}
    modules = {p.stem for p in package.rglob("*.py") if not p.name.startswith("__")} - COMMANDS.keys()
    words = set(re.findall(r"[\w/]+", LAYOUT))
    assert sorted((packages | modules) - words) == []


def test_exit_codes_are_those_of_the_code() -> None:
    section = REFERENCE.split("## Exit codes")[1].split("\n## ")[0]
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)}
    assert documented == set(ExitCode)


def test_columns_are_those_of_the_code() -> None:
    section = REFERENCE.split("## `labels.csv`")[1].split("\n## ")[0]
    documented = re.findall(r"^\| (`.+?`) \|", section, re.MULTILINE)
    assert tuple(re.findall(r"`(\w+)`", " ".join(documented))) == COLUMNS


def test_reasons_of_unreadable_files_are_those_of_the_code() -> None:
    section = REFERENCE.split("### Reasons")[1].split("\n## ")[0]
    both = vars(limits) | vars(located)
    del both["FIRST_OF_SEVERAL"]  # a note, which the section on columns explains
    reasons = [text for name, text in both.items() if name.isupper() and isinstance(text, str)]
    assert [reason for reason in reasons if reason not in section] == []


LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def test_links_between_the_pages_lead_somewhere() -> None:
    links = [(page, link) for page in PAGES for link in LINK.findall(page.read_text(encoding="utf-8"))]
    assert [link for page, link in links if not (page.parent / link).exists()] == []
    assert len(links) > 20
