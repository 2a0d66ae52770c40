"""`--exclude` leaves files and folders out by name, in every command that reads pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from digitsort.labels.labels_csv import read_labels
from tests.conftest import digit_png, invoke, make_tree

PATTERNS = ["--exclude", "old*", "--exclude", "*_thumb.png"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model_file: Path) -> Path:
    """Scans of which two are wanted, in folders named by their digit."""
    monkeypatch.chdir(tmp_path)
    wanted, other = digit_png(1), digit_png(7)
    make_tree(
        tmp_path,
        {
            "scans": {
                "1": {"a.png": wanted, "a_thumb.png": other, "old1": {"b.png": other}},
                "7": {"c.png": other},
            }
        },
    )
    return tmp_path


def test_folders(here: Path, model_file: Path) -> None:
    """`classify`, `sort FOLDER` and `evaluate FOLDER`; the summary names what was left out."""
    model: list[str | Path] = ["-m", model_file, "--workers", "0"]
    done = invoke("classify", "scans", *PATTERNS, *model)
    assert done.exit_code == 0
    assert "left out by name: *_thumb.png (1), old* (1)" in done.stderr
    assert [Path(row.path).name for row in read_labels(here / "labels.csv")] == ["a.png", "c.png"]
    assert "2 to copy" in invoke("sort", "scans", "out", "--dry-run", *PATTERNS, *model).stderr
    assert " of 2 right" in invoke("evaluate", "scans", *PATTERNS, *model).stdout


def test_tables(here: Path) -> None:
    """Rows of a labels.csv are left out by the folders below it and by the file's name."""
    rows = [f"scans/{name},1,ok,1" for name in ("1/a.png", "1/a_thumb.png", "1/old1/b.png", "7/c.png")]
    (here / "labels.csv").write_text("\n".join(["path,label,status,human", *rows, ""]))
    said = invoke("sort", "labels.csv", "out", "--dry-run", *PATTERNS)
    assert "2 to copy" in said.stderr
    assert "left out by name: *_thumb.png (1), old* (1)" in said.stderr
    assert "of 2 rows" in invoke("review", "labels.csv", *PATTERNS).stderr
    assert "(2 of 2 right)" in invoke("evaluate", "labels.csv", *PATTERNS).stdout


def test_another_pattern_is_another_run(here: Path, model_file: Path) -> None:
    """`--resume` refuses to mix rows of two choices of files."""
    from digitsort.labels.resume import RunSettings

    one, other = (
        RunSettings.of(["s"], False, "m", "", "csv", exclude=names) for names in ((), ("old*",))
    )
    assert one.differences(other) == ["sources"]


@pytest.mark.parametrize("pattern", [".", "..", "scans/old1", "old1/", "/scans/old1", "*/old1"])
@pytest.mark.parametrize(
    "command",
    ["classify scans", "sort scans out", "review labels.csv", "evaluate scans", "train -d scans"],
)
def test_a_pattern_that_can_match_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, pattern: str
) -> None:
    """It is refused: files that were to be left out would be read, and nobody told."""
    monkeypatch.chdir(tmp_path)
    make_tree(tmp_path, {"scans": {"1": {"a.png": digit_png(1)}}, "labels.csv": "path,label,status\n"})
    refused = invoke(*command.split(), "--exclude", pattern)
    assert refused.exit_code == 2
    assert "--exclude takes the name of a file or folder" in refused.stderr
    assert ("Did you mean --exclude old1?" in refused.stderr) == ("old1" in pattern)


def test_patterns_that_leave_nothing(tmp_path: Path) -> None:
    """The error says that the files were left out, not only that there are none."""
    make_tree(tmp_path, {"scans": {"a.png": digit_png(1), "b.png": digit_png(1)}})
    none = invoke("classify", tmp_path / "scans", "--exclude", "*", "-o", tmp_path / "labels.csv")
    assert none.exit_code == 4
    assert "left out by name: * (2)." in none.stderr
