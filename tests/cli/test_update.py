"""`classify --update` and `--force`: the rows of one run over everything, and no label is lost."""

from __future__ import annotations

import hashlib
import json
import os
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from digitsort import Model, Outcome, read_labels
from digitsort.classification.classify import classify_files
from digitsort.labels.labels_csv import COLUMNS, Layout
from digitsort.labels.resume import RowsHash, RunSettings, remember
from digitsort.labels.update import SAME, Contents, Update
from digitsort.outcomes import Status
from tests.conftest import digit_png, invoke, make_tree, use_model

OLD = {f"{d}.png": digit_png(d) for d in (1, 4, 7)}
NEW = {"0.png": digit_png(0), "5.png": digit_png(5), "9.png": digit_png(9)}

Classify = Callable[..., Any]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Model) -> Path:
    """The working folder, with scans/ in it, a state of its own, and a small model as the default."""
    use_model(monkeypatch, model)
    monkeypatch.chdir(make_tree(tmp_path, {"scans": OLD}))
    monkeypatch.setenv("DIGITSORT_STATE", str(tmp_path / "state"))
    return tmp_path


@pytest.fixture
def classify(here: Path) -> Classify:
    """`digitsort classify`; the result of the command."""

    def run(*arguments: str | Path, code: int = 0) -> Any:
        done = invoke("classify", *arguments)
        assert done.exit_code == code, done.output
        return done

    return run


@pytest.fixture
def recognized(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Files that go through the model, by their content."""
    from digitsort.classification import batch

    seen: list[str] = []
    whole = batch._judge

    def judge(model: Any, settings: Any, pictures: Any) -> Any:
        seen.extend(picture.sha256 for picture in pictures)
        return whole(model, settings, pictures)

    monkeypatch.setattr(batch, "_judge", judge)
    return seen


def write_human(table: Path, labels: dict[str, str], **others: dict[str, str]) -> None:
    """Add columns to a CSV, with cells by the name of the file."""
    columns = {"human": labels, **others}
    header, *rows = table.read_text().splitlines()
    lines = [",".join([header, *columns])]
    for row in rows:
        name = Path(row.split(",")[0]).name
        lines.append(",".join([row, *(cells.get(name, "") for cells in columns.values())]))
    table.write_text("\n".join(lines) + "\n")


def with_human(table: Path, labels: dict[str, str]) -> str:
    """The text of a table with a column `human`."""
    write_human(table, labels)
    return table.read_text()


@pytest.mark.parametrize(
    "options",
    [
        (),
        pytest.param(("--probabilities", "--format", "jsonl")),
        pytest.param(("--probabilities", "--adapt"), marks=pytest.mark.slow),
        pytest.param(("--format", "jsonl", "--min-confidence", "0.99"), marks=pytest.mark.slow),
    ],
)
def test_new_files_give_what_one_run_gives(
    here: Path, classify: Classify, recognized: list[str], options: tuple[str, ...]
) -> None:
    """Only the new files are recognized; a name of one's own for the file will do."""
    classify("scans", "-o", "a.txt", *options)
    del recognized[:]
    make_tree(here / "scans", NEW)
    said = classify("scans", "-o", "a.txt", *options, "--update").stderr
    assert "6 files = " in said
    assert "3 new, 0 changed, 3 as before, 0 gone" in said
    assert len(recognized) == len(NEW)
    classify("scans", "-o", "whole.txt", *options)
    assert (here / "a.txt").read_bytes() == (here / "whole.txt").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("options", [("--workers", "2"), ("--dask", "local", "--workers", "2")])
def test_workers_give_what_one_run_gives(
    here: Path, classify: Classify, options: tuple[str, ...]
) -> None:
    classify("scans")
    make_tree(here / "scans", NEW)
    classify("scans", "--update", *options)
    classify("scans", "-o", "whole.csv")
    assert (here / "labels.csv").read_bytes() == (here / "whole.csv").read_bytes()


def test_every_cell_of_a_person_stays(here: Path, classify: Classify) -> None:
    """Also in columns of their own, and after a spreadsheet saved the table in another order."""
    classify("scans")
    write_human(here / "labels.csv", {"4.png": "7", "7.png": "_none"}, note={"1.png": '"a, b"'})
    header, *rows = (here / "labels.csv").read_text().splitlines()
    (here / "labels.csv").write_text("\r\n".join([header, *reversed(rows), ""]))
    make_tree(here / "scans", NEW)
    said = classify("scans", "--update").stderr
    assert "2 labels from a person kept" in said
    assert "read again" not in said
    classify("scans", "-o", "whole.csv")
    expected = here / "whole.csv"
    write_human(expected, {"4.png": "7", "7.png": "_none"}, note={"1.png": '"a, b"'})
    assert (here / "labels.csv").read_bytes() == expected.read_bytes()
    before = (here / "labels.csv").read_bytes()
    assert "0 new, 0 changed, 6 as before" in classify("scans", "--update").stderr
    assert before == (here / "labels.csv").read_bytes()


def test_json_lines_keep_their_format_and_a_persons_labels(here: Path, classify: Classify) -> None:
    classify("scans", "-o", "a.jsonl", "--format", "jsonl")
    records = [json.loads(line) for line in (here / "a.jsonl").read_text().splitlines()]
    records[1]["human"] = "7"
    (here / "a.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    make_tree(here / "scans", NEW)
    classify("scans", "-o", "a.jsonl", "--update")
    classify("scans", "-o", "whole.jsonl", "--format", "jsonl")
    whole = [json.loads(line) for line in (here / "whole.jsonl").read_text().splitlines()]
    human = ["", "", "7", "", "", ""]
    assert [record | {"human": h} for record, h in zip(whole, human, strict=True)] == [
        json.loads(line) for line in (here / "a.jsonl").read_text().splitlines()
    ]


def test_a_changed_file_is_read_again_and_keeps_no_label_of_the_old_content(
    here: Path, classify: Classify
) -> None:
    """The label stays in a row with status gone; a label beside nothing needs no such row."""
    classify("scans")
    write_human(here / "labels.csv", {"4.png": "6"})
    old = (here / "labels.csv").read_text().splitlines()[2].split(",")
    make_tree(here / "scans", {"4.png": digit_png(2), "7.png": digit_png(3)})
    said = classify("scans", "--update").stderr
    assert "0 new, 2 changed, 1 as before, 1 gone" in said
    assert "0 labels from a person kept; 1 in rows with status gone" in said
    classify("scans", "-o", "whole.csv")
    gone = ",".join([*old[:3], "gone", "was ok", *old[5:]])
    expected = with_human(here / "whole.csv", {}) + gone + "\n"
    assert (here / "labels.csv").read_text() == expected
    make_tree(here / "scans", {"4.png": OLD["4.png"]})
    assert "1 changed, 2 as before, 0 gone" in classify("scans", "--update").stderr
    classify("scans", "-o", "back.csv")
    assert (here / "labels.csv").read_text() == with_human(here / "back.csv", {"4.png": "6"})


def test_a_second_row_of_a_file_loses_no_label(here: Path, classify: Classify) -> None:
    """Of two tables put together: the label of the second one stays, in a row with status gone."""
    classify("scans")
    table = here / "labels.csv"
    write_human(table, {"4.png": "6", "7.png": "2"})
    four, seven = table.read_text().splitlines()[2:4]
    table.write_text(f"{table.read_text()}{four[:-1]}9\n{seven}\n")
    said = classify("scans", "--update").stderr
    assert "2 labels from a person kept; 1 in rows with status gone" in said
    rows = table.read_text().splitlines()
    assert [row[-1] for row in rows[1:]] == [",", "6", "2", "9"]
    assert rows[4].split(",")[:5] == [*four.split(",")[:3], "gone", "was ok"]
    classify("scans", "--update")
    assert table.read_text().splitlines() == rows


def test_gone_files_are_marked_and_renamed_ones_are_not(here: Path, classify: Classify) -> None:
    """A person's label goes with a renamed file."""
    make_tree(here / "scans", NEW)
    classify("scans")
    write_human(here / "labels.csv", {"1.png": "7", "5.png": "6"})
    rows = (here / "labels.csv").read_text().splitlines()
    (here / "scans" / "5.png").rename(here / "scans" / "later.png")
    (here / "scans" / "1.png").unlink()
    (here / "scans" / "9.png").unlink()
    assert "1 new, 0 changed, 3 as before, 2 gone" in classify("scans", "--update").stderr
    classify("scans", "-o", "whole.csv")
    expected = with_human(here / "whole.csv", {"later.png": "6"})
    for row in (rows[2], rows[6]):
        cells = row.split(",")
        expected += ",".join([*cells[:3], "gone", "was ok", *cells[5:]]) + "\n"
    assert (here / "labels.csv").read_text() == expected
    before = (here / "labels.csv").read_bytes()
    classify("scans", "--update")
    assert before == (here / "labels.csv").read_bytes()


def test_files_of_other_sources_keep_their_rows_and_their_place(here: Path, classify: Classify) -> None:
    """The table is that of one run over all sources, in the order of the first runs."""
    make_tree(here, {"monday": OLD, "tuesday": NEW})
    classify("monday")
    classify("tuesday", "--update")
    classify("monday", "tuesday", "-o", "whole.csv")
    assert (here / "labels.csv").read_bytes() == (here / "whole.csv").read_bytes()
    make_tree(here / "monday", {"8.png": digit_png(8)})
    classify("monday", "--update")
    classify("monday", "tuesday", "-o", "whole.csv", "--force")
    assert (here / "labels.csv").read_bytes() == (here / "whole.csv").read_bytes()


def test_files_that_are_now_excluded_lose_their_rows(here: Path, classify: Classify) -> None:
    """The table is that of one run with the pattern, inside the sources and elsewhere."""
    make_tree(here, {"monday": {"old": OLD, **NEW}, "tuesday": {"old1": OLD, **NEW}})
    classify("monday")
    classify("tuesday", "--update")
    (here / "tuesday" / "old1" / "4.png").unlink()
    said = classify("tuesday", "--update", "--exclude", "old*", "--exclude", "5.*").stderr
    assert "0 new, 0 changed, 4 as before, 0 gone, 8 removed by --exclude" in said
    patterns = ["--exclude", "old*", "--exclude", "5.*"]
    classify("monday", "tuesday", "-o", "whole.csv", *patterns)
    assert (here / "labels.csv").read_bytes() == (here / "whole.csv").read_bytes()


def test_a_persons_label_of_an_excluded_file_stays(here: Path, classify: Classify) -> None:
    """It stays in a gone row, and comes back with the file; a file that is named itself stays too."""
    make_tree(here / "scans", {"old": {"5.png": digit_png(5)}})
    classify("scans")
    write_human(here / "labels.csv", {"4.png": "6", "1.png": "1"})
    before = (here / "labels.csv").read_bytes()
    said = classify("scans", "scans/1.png", "--update", "--exclude", "?.png", code=0).stderr
    assert "1 as before, 1 gone, 2 removed by --exclude" in said
    rows = {Path(row.path).name: row for row in read_labels(here / "labels.csv")}
    assert (rows["4.png"].status, rows["4.png"].human) == (Status.GONE, "6")
    assert (rows["1.png"].status, rows["1.png"].human) == (Status.OK, "1")
    assert len(rows) == 2
    classify("scans", "--update")
    assert (here / "labels.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--min-confidence", "1"), "it was made with other settings"),
        pytest.param(
            ("--adapt",), "it was made with another choice of --adapt", marks=pytest.mark.slow
        ),
    ],
)
def test_rows_of_other_settings_are_made_again(
    here: Path, classify: Classify, recognized: list[str], options: tuple[str, ...], why: str
) -> None:
    classify("scans")
    write_human(here / "labels.csv", {"4.png": "7"})
    del recognized[:]
    assert f"every file is read again, because {why}" in classify("scans", *options, "--update").stderr
    assert len(recognized) >= len(OLD)
    classify("scans", *options, "-o", "whole.csv")
    assert (here / "labels.csv").read_text() == with_human(here / "whole.csv", {"4.png": "7"})


def test_a_label_that_was_overwritten_by_hand_is_named(here: Path, classify: Classify) -> None:
    classify("scans")
    text = (here / "labels.csv").read_text()
    (here / "labels.csv").write_text(text.replace("scans/7.png,7", "scans/7.png,1"))
    said = classify("scans", "--update").stderr
    assert "it has rows that were edited, or that your digitsort did not write" in said
    assert "1 unchanged file has another label than before:" in said
    assert "scans/7.png: 1, now 7" in said
    assert (here / "labels.csv").read_text() == text


def test_without_a_result_it_makes_one(here: Path, classify: Classify) -> None:
    classify("scans", "--update")
    classify("scans", "-o", "whole.csv")
    assert (here / "labels.csv").read_bytes() == (here / "whole.csv").read_bytes()


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the first run that reads files be interrupted after two; later runs list what they read."""
    asked: list[str] = []

    def some(paths: Iterable[str], *arguments: Any, **options: Any) -> Iterator[Outcome]:
        is_first = not asked
        for number, path in enumerate(paths):
            asked.append(path)
            if is_first and number == 2:
                raise KeyboardInterrupt
            yield from classify_files([path], *arguments)

    for user in ("classify", "sort"):
        monkeypatch.setattr(f"digitsort.cli.{user}.classify_files", some)
    return asked


def test_an_interrupted_update_leaves_the_old_table_and_goes_on(
    here: Path, classify: Classify, request: pytest.FixtureRequest
) -> None:
    """A file that changed meanwhile is read again."""
    classify("scans")
    write_human(here / "labels.csv", {"4.png": "7"})
    make_tree(here / "scans", NEW)
    before = (here / "labels.csv").read_bytes()
    asked = request.getfixturevalue("interrupted")
    options = ("scans", "--update", "--min-confidence", "0.99")
    said = classify(*options, code=130).stderr
    assert "interrupted. Kept 2 rows. Continue with: digitsort" in said
    assert before == (here / "labels.csv").read_bytes()
    del asked[:]
    asked.append("")
    make_tree(here / "scans", {"1.png": digit_png(8)})
    classify(*options)
    assert [Path(path).name for path in asked[1:]] == ["1.png", "4.png", "5.png", "7.png", "9.png"]
    classify("scans", "--min-confidence", "0.99", "-o", "whole.csv")
    assert (here / "labels.csv").read_text() == with_human(here / "whole.csv", {"4.png": "7"})
    assert not (here / ".labels.csv.partial").exists()


def test_a_table_that_somebody_saves_meanwhile_is_not_replaced(
    here: Path, classify: Classify, monkeypatch: pytest.MonkeyPatch
) -> None:
    from digitsort.labels.update import Update

    classify("scans")
    joined = Update.joined

    def saved(self: Update, file: Any) -> Any:
        (here / "labels.csv").write_bytes(b"theirs")
        return joined(self, file)

    monkeypatch.setattr(Update, "joined", saved)
    said = classify("scans", "--update", code=5).stderr
    assert "labels.csv changed during the run, so it was not replaced. Kept 3 rows." in said
    assert (here / "labels.csv").read_bytes() == b"theirs"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--force",), "Choose one of --update and --force."),
        (("-o", "-"), "--update needs an output file. Name one with -o."),
    ],
)
def test_what_cannot_be_meant_is_refused(
    here: Path, classify: Classify, options: tuple[str, ...], message: str
) -> None:
    classify("scans")
    before = (here / "labels.csv").read_bytes()
    assert message in classify("scans", "--update", *options, code=2).stderr
    assert (here / "labels.csv").read_bytes() == before


def test_what_is_no_labels_csv_is_not_touched(here: Path, classify: Classify) -> None:
    make_tree(here, {"labels.csv": "my,own,table\n"})
    assert "it is not a labels.csv" in classify("scans", "--update", code=2).stderr
    assert (here / "labels.csv").read_text() == "my,own,table\n"


def test_force_keeps_a_persons_labels_beside_it(here: Path, classify: Classify) -> None:
    """As a corrections.csv, and never in the place of an older one."""
    for number, name in enumerate(["labels.human.csv", "labels.human_2.csv"]):
        classify("scans", *(["--force"] if number else []))
        write_human(here / "labels.csv", {"4.png": str(number), "7.png": "1"})
        said = classify("scans", "--force").stderr
        assert f"2 labels from a person in labels.csv are kept in {name}." in said
    for number, name in enumerate(["labels.human.csv", "labels.human_2.csv"]):
        kept = {Path(row.path).name: row.human for row in read_labels(here / name)}
        assert kept == {"4.png": str(number), "7.png": "1"}
    assert "human" not in (here / "labels.csv").read_text()
    done = invoke("sort", "labels.csv", "sorted", "--corrections", "labels.human.csv")
    assert done.exit_code == 0, done.output
    assert (here / "sorted" / "0" / "4.png").exists()


def test_force_keeps_a_damaged_table_with_labels(here: Path, classify: Classify) -> None:
    classify("scans")
    write_human(here / "labels.csv", {"4.png": "7"})
    with (here / "labels.csv").open("a") as file:
        file.write("torn")
    before = (here / "labels.csv").read_bytes()
    said = classify("scans", "--force").stderr
    assert "The old file in labels.csv is kept in labels.human.csv." in said
    assert (here / "labels.human.csv").read_bytes() == before


@pytest.fixture
def with_gone(here: Path, classify: Classify) -> Path:
    """A table with a label from a person for each file, of which one is gone."""
    classify("scans")
    write_human(here / "labels.csv", {"1.png": "1", "4.png": "4", "7.png": "7"})
    (here / "scans" / "7.png").unlink()
    classify("scans", "--update")
    return here


SAID = "labels.csv: 1 row of files that are gone was left out."


def test_sort_leaves_gone_rows_out(with_gone: Path) -> None:
    done = invoke("sort", "labels.csv", "sorted")
    assert done.exit_code == 0
    assert SAID in done.stderr
    assert "2 copied, 0 already there." in done.stderr


def test_sort_knows_gone_files_that_it_moved(here: Path, classify: Classify) -> None:
    classify("scans")
    assert invoke("sort", "labels.csv", "sorted", "--move").exit_code == 0
    make_tree(here / "scans", NEW)
    assert "3 new, 0 changed, 0 as before, 3 gone" in classify("scans", "--update").stderr
    done = invoke("sort", "labels.csv", "sorted", "--move")
    assert done.exit_code == 0, done.output
    assert "3 moved, 3 already there." in done.stderr


def test_review_leaves_gone_rows_out(with_gone: Path) -> None:
    done = invoke("review", "labels.csv", "--all")
    assert done.exit_code == 0
    assert SAID in done.stderr
    assert "The page shows 2 of 2 rows" in done.stderr


def test_evaluate_counts_gone_rows_unless_a_model_reads_the_files(
    with_gone: Path,
) -> None:
    assert "(3 of 3 right)" in invoke("evaluate", "labels.csv").stdout
    done = invoke("evaluate", "labels.csv", "-m", "any.pkl")
    assert done.exit_code == 0
    assert "(2 of 2 right)" in done.stdout
    assert SAID in done.stderr


def test_training_leaves_gone_rows_out(with_gone: Path) -> None:
    from digitsort.training.labelled import labelled_rows

    found = labelled_rows(with_gone / "labels.csv", None)
    assert sorted(image.label for image in found.human.values()) == ["1", "4"]
    assert found.left == {"gone": 1}


def test_sort_of_a_folder_goes_on_classifying_where_it_was(here: Path, interrupted: list[str]) -> None:
    """DEST goes again, the same command continues, and nothing is left of it."""
    make_tree(here / "scans", NEW)
    command = ("sort", "scans", "sorted")
    done = invoke(*command)
    assert done.exit_code == 130
    assert "interrupted. Kept 2 rows. Continue with: digitsort" in done.stderr
    assert not (here / "sorted").exists()
    assert invoke(*command).exit_code == 0
    assert [Path(path).name for path in interrupted] == [
        *("0.png", "1.png", "4.png"),
        *("4.png", "5.png", "7.png", "9.png"),
    ]
    assert list((here / "state" / "sorts").iterdir()) == []
    assert invoke("sort", "scans", "whole").exit_code == 0
    books = [(here / dest / "labels.csv").read_text() for dest in ("sorted", "whole")]
    assert books[0] == books[1]


def test_sort_with_other_settings_begins_again(here: Path, interrupted: list[str]) -> None:
    command = ("sort", "scans", "sorted")
    assert invoke(*command).exit_code == 130
    assert invoke(*command, "--min-confidence", "1").exit_code == 0
    assert len(interrupted) == 3 + len(OLD)


def test_a_dry_run_of_a_folder_keeps_no_rows(here: Path, interrupted: list[str]) -> None:
    assert invoke("sort", "scans", "sorted", "-n").exit_code == 130
    assert not (here / "state" / "sorts").exists()
    assert len(interrupted) == 3


def test_contents_are_known_by_their_first_bytes() -> None:
    known = Contents.of(["00" * 32, "ff" * 32])
    assert "ff" * 32 in known
    assert "ff" * 8 + "00" * 24 in known  # the main process finds this out
    assert "ff" * 7 + "00" * 25 not in known
    assert "01" * 32 not in Contents.of([])


def test_a_content_that_only_seems_known_is_recognized(
    here: Path, classify: Classify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Contents, "__contains__", lambda *_: True)
    classify("scans")
    make_tree(here / "scans", NEW)
    classify("scans", "--update")
    classify("scans", "-o", "whole.csv")
    assert (here / "labels.csv").read_bytes() == (here / "whole.csv").read_bytes()


def test_a_folder_that_cannot_be_entered_makes_no_file_gone(
    unprivileged: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows are errors until it can be read again; a person's labels stay."""
    use_model(monkeypatch, model)
    monkeypatch.chdir(make_tree(unprivileged, {"scans": {"a": OLD, "b": NEW}}))
    assert invoke("classify", "scans").exit_code == 0
    write_human(unprivileged / "labels.csv", {"4.png": "7"})
    before = (unprivileged / "labels.csv").read_bytes()
    os.chmod("scans/a", 0)
    try:
        done = invoke("classify", "scans", "--update")
    finally:
        os.chmod("scans/a", 0o700)
    assert done.exit_code == 1
    assert "0 gone" in done.stderr
    assert "permission denied (3)" in done.stderr
    assert invoke("classify", "scans", "--update").exit_code == 0
    rows = sorted((unprivileged / "labels.csv").read_bytes().splitlines())
    assert sorted(before.splitlines()) == rows


def test_memory_of_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of the old table takes less than 1,000 bytes, so that a million take less than 1 GB."""
    monkeypatch.setenv("DIGITSORT_STATE", str(tmp_path / "state"))
    count = 2_000
    path = tmp_path / "labels.csv"
    hashes = [hashlib.sha256(b"%d" % i).hexdigest() for i in range(count)]
    rows = [
        f"scans/{i:07d}.png,1,0.9987,ok,,7,0.0004,{sha256},0123456789ab"
        for i, sha256 in enumerate(hashes)
    ]
    path.write_text("\n".join([",".join(COLUMNS), *rows, ""]))
    layout = Layout(str(tmp_path), "0123456789ab")
    run = RunSettings.of([str(tmp_path)], False, "m", "", "csv")
    rows_hash = RowsHash()
    for row in rows:
        rows_hash.add(f"{row}\n".encode())
    remember(rows_hash, run)
    tracemalloc.start()
    try:
        update = Update(path, layout, run, list("0123456789"))
        outcomes = (Outcome(str(tmp_path / f"scans/{i:07d}.png"), Status.OK) for i in range(count))
        seen = (o._replace(sha256=hashes[i]) for i, o in enumerate(outcomes))
        assert sum(1 for _ in update.noted(seen)) == len(update.known) == count
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert update.counts == {SAME: count}
    assert used / count < 1000


def test_the_row_of_a_broken_archive_goes_once_it_is_repaired(here: Path, classify: Classify) -> None:
    """The archive itself is not a picture, so it is not read as one."""
    archive = here / "a.zip"
    archive.write_bytes(b"PK\3\4")
    classify("a.zip", code=1)
    assert [row.path for row in read_labels(here / "labels.csv")] == [str(archive)]
    with zipfile.ZipFile(archive, "w") as whole:
        for name, content in OLD.items():
            whole.writestr(name, content)
    done = classify("a.zip", "--update")
    assert "3 new, 0 changed, 0 as before, 0 gone" in done.stderr
    classify("a.zip", "-o", "other.csv")
    assert (here / "labels.csv").read_bytes() == (here / "other.csv").read_bytes()
    archive.write_bytes(b"PK\3\4")
    classify("a.zip", "--update", code=1)
    assert str(archive) in [row.path for row in read_labels(here / "labels.csv")]
