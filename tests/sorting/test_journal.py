"""What is written down before it is done."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitsort.errors import OutputError
from digitsort.files.disk import DISK
from digitsort.sorting.entries import Entry, parsed
from digitsort.sorting.journal import (
    FOLDER,
    Journal,
    has_head,
    journals,
    new_journal,
    read_run,
    read_runs,
    reopen,
)
from tests.sorting.power import IdleDisk

TEXT = st.text(st.characters(blacklist_characters="\0"), min_size=1, max_size=20)
"""Lone surrogates, as bytes that are no UTF-8 come out, newlines and quotes included."""

ENTRIES = st.lists(
    st.builds(
        Entry,
        number=st.just(0),
        source=TEXT,
        to=TEXT,
        sha256=st.just("ab" * 32),
        size=st.integers(0, 2**60),
        mtime_ns=st.integers(1, 2**63),
        mode=st.integers(0, 0o7777),
        cells=st.dictionaries(TEXT, TEXT, max_size=3),
    ),
    max_size=4,
)


@given(entries=ENTRIES, cut=st.integers(0, 400))
def test_what_was_written_is_read_and_a_torn_end_is_no_record(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Entry], cut: int
) -> None:
    """Cut anywhere: the whole lines before the cut are read, and the next record is whole again."""
    dest = tmp_path_factory.mktemp("dest")
    (dest / FOLDER).mkdir()
    journal = new_journal(IdleDisk(), str(dest), "move", "/scans", 1, True)
    journal.begin(entries, ["7", "7/é"])
    journal.settle(len(entries), {0: "no"} if entries else {})
    journal.mark(end="done")
    journal.close()
    run = read_run(journal.run.path)
    assert run is not None
    assert (run.mode, run.made_levels, run.continues, run.end) == ("move", 1, True, "done")
    assert (run.entries, run.made, run.settled) == (entries, ["7", "7/é"], len(entries))
    without = read_run(journal.run.path, entries=False)
    assert without is not None
    assert (without.entries, without.settled, without.end) == ([], len(entries), "done")
    assert without.size == run.size
    path = Path(journal.run.path)
    whole = path.read_bytes()
    path.write_bytes(whole[: max(0, len(whole) - cut)])
    lines = path.read_bytes().splitlines(keepends=True)
    torn = read_run(str(path))
    if not lines or not lines[0].endswith(b"\n"):
        assert torn is None
        return
    assert torn is not None
    assert torn.size == sum(len(line) for line in lines if line.endswith(b"\n"))
    again = reopen(IdleDisk(), torn)
    again.mark(end="recovered")
    again.close()
    assert parsed(path.read_bytes().splitlines(keepends=True)[-1]) == {"end": "recovered"}


def test_runs_are_read_the_newest_first(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    for mode in ("copy", "move"):
        journal = new_journal(DISK, str(tmp_path), mode, "", 0, False)
        journal.flush()
        journal.close()
    assert [run.mode for run in read_runs(str(tmp_path))] == ["move", "copy"]
    assert [Path(path).name for path in journals(str(tmp_path))] == [
        "run-000002.jsonl",
        "run-000001.jsonl",
    ]


def _new_run(dest: Path) -> str:
    journal = new_journal(IdleDisk(), str(dest), "copy", "", 0, False)
    journal.close()
    return Path(journal.run.path).name


def test_a_strangers_file_with_the_last_number_stops_no_sort(tmp_path: Path) -> None:
    """Runs of this user's are numbered on behind the last one of theirs, past what is taken."""
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / _new_run(tmp_path)).rename(tmp_path / FOLDER / "run-000005.jsonl")
    for number in ("000007", "999999999"):
        (tmp_path / FOLDER / f"run-{number}.jsonl").write_text("somebody else's\n")
    assert [_new_run(tmp_path) for _ in range(2)] == ["run-000006.jsonl", "run-000008.jsonl"]
    ours = [Path(run.path).name for run in read_runs(str(tmp_path))]
    assert ours == ["run-000008.jsonl", "run-000006.jsonl", "run-000005.jsonl"]


def test_behind_ones_own_last_number_there_is_none(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    name = _new_run(tmp_path)
    (tmp_path / FOLDER / name).rename(tmp_path / FOLDER / "run-999999999.jsonl")
    with pytest.raises(OutputError, match=r"no more runs can be numbered\. Name another DEST"):
        _new_run(tmp_path)


@pytest.mark.parametrize("line", ["{}", "[]", "no json", '{"digitsort":9}', '{"digitsort":1}'])
def test_what_is_no_journal_is_an_output_error(tmp_path: Path, line: str) -> None:
    """Nothing is done in such a DEST."""
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "run-000001.jsonl").write_text(line + "\n")
    with pytest.raises(OutputError, match=r"run-000001\.jsonl"):
        list(read_runs(str(tmp_path), foreign=True))
    assert list(read_runs(str(tmp_path))) == []


def _entries(count: int, first: int = 0) -> list[Entry]:
    sources = [(number, f"/scans/{number}.png", f"7/{number}.png") for number in range(first, count)]
    return [Entry(*names, "ab" * 32, 1, 1, 0o644, {"label": "7"}) for names in sources]


def _two_batches(dest: Path) -> Journal:
    """A journal of two batches; the second one goes over several sectors, folders first."""
    (dest / FOLDER).mkdir()
    journal = new_journal(DISK, str(dest), "move", "/scans", 1, False)
    journal.begin(_entries(9), ["7"])
    journal.sync()
    journal.settle(9, {})
    journal.begin(_entries(30, 9), [f"folder {number}" for number in range(30)])
    return journal


def _lose(path: Path, start: int, end: int) -> None:
    """Zeros, as a power cut leaves them: from the first byte that was not durable to a sector's end."""
    data = bytearray(path.read_bytes())
    data[start:end] = bytes(end - start)
    path.write_bytes(data)


def test_any_sector_of_what_was_not_synced_may_be_lost(tmp_path: Path) -> None:
    """The lines before it are read; those behind it were never acted on."""
    journal = _two_batches(tmp_path)
    journal.close()
    path = Path(journal.run.path)
    whole = path.read_bytes()
    first = whole.index(b'{"settled"')  # not durable yet, nor what follows
    sectors = [first, *range(first - first % 512 + 512, len(whole), 512)]
    for start in sectors:
        path.write_bytes(whole)
        _lose(path, start, min(len(whole), start - start % 512 + 512))
        run = read_run(str(path))
        assert run is not None
        assert len(run.entries) == 9
        assert run.size == whole.rindex(b"\n", 0, start) + 1
    print(f"{len(sectors)} sectors lost")
    assert len(sectors) > 5


def test_a_sector_that_was_durable_is_missed(tmp_path: Path) -> None:
    """Something was done after it: the journal is damaged, and nothing is done by half of it."""
    journal = _two_batches(tmp_path)
    journal.sync()
    journal.settle(30, {})
    journal.flush()
    journal.close()
    path = Path(journal.run.path)
    whole = path.read_bytes()
    for start in range(512, len(whole) - 512, 512):
        path.write_bytes(whole)
        _lose(path, start, start + 512)
        if b"settled" in whole[start : start + 1024] and whole.count(b"settled", start + 512) == 0:
            continue  # the last one itself
        with pytest.raises(OutputError, match="damaged"):
            read_run(str(path))


def test_a_first_line_that_was_not_durable_is_none(tmp_path: Path) -> None:
    """Unless lines stand behind it: it was durable then, and is damaged."""
    (tmp_path / FOLDER).mkdir()
    journal = new_journal(DISK, str(tmp_path), "move", "/scans" * 200, 1, False)
    path = Path(journal.run.path)
    _lose(path, 0, 512)
    assert path.read_bytes().endswith(b"\n")
    assert read_run(str(path), foreign=True) is None
    assert not has_head(str(path))
    journal.settle(0, {})
    journal.flush()
    journal.close()
    assert has_head(str(path))
    with pytest.raises(OutputError, match="damaged"):
        read_run(str(path), foreign=True)
