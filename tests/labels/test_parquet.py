"""Tables as Parquet and, by their name, as JSON lines: the content of the CSV, and hostile files."""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from digitsort.errors import InterruptedRunError, UsageError
from digitsort.labels import parquet as tables
from digitsort.labels.labels_csv import Layout, outcome_of, read_labels
from digitsort.labels.resume import RunSettings
from digitsort.labels.table import line_of, unescaped
from tests.conftest import digit_png, invoke, make_tree, read_tree
from tests.labels.test_labels import GOLDEN_PROBABILITIES, MODEL, OUTCOMES, SHA
from tests.labels.test_partial import PATHS, write

LAYOUT = Layout("/scans", MODEL, ("1", "7"))
RUN = RunSettings.of(["/scans"], False, MODEL * 5, "settings", "parquet")

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
CELLS = {
    "path": TEXT,
    "sha256": st.one_of(st.just(""), st.just(SHA), st.from_regex("[0-9a-f]{64}", fullmatch=True)),
    "confidence": st.one_of(st.just(""), st.integers(0, 10_000).map(lambda n: f"{n / 10_000:.4f}")),
    "p_7": st.one_of(st.just(""), st.sampled_from(["0.9", "1,0000", "1.0000", "nan", "1e-4"]), TEXT),
    "note": st.one_of(
        TEXT, st.sampled_from(["=1+1", "'=1+1", "'", "a,b", '"', "\n", "\r\n", "\ufeff"])
    ),
}


def convert(content: bytes) -> bytes:
    """Convert a CSV to Parquet."""
    texts: list[str] = []
    while True:
        output = io.BytesIO()
        texts.append(tables.write_parquet(io.BytesIO(content), output, texts))
        if not texts[-1]:
            return output.getvalue()


def as_csv(rows: Any) -> bytes:
    """The CSV of rows as the reader of a table returns them."""
    return "".join(line_of([unescaped(cell) for cell in row]) for row in rows).encode()


def back(folder: Path, content: bytes) -> bytes:
    """Convert Parquet to CSV; what the child process does is done here, which is faster."""
    (folder / "x.parquet").write_bytes(content)
    return as_csv(row for block in tables._read(str(folder / "x.parquet")) for row in block)


@settings(max_examples=25)
@given(st.lists(st.fixed_dictionaries(CELLS), max_size=5))
def test_any_cell_comes_back_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]]
) -> None:
    lines = [line_of(list(CELLS)), *(line_of([row[name] for name in CELLS]) for row in rows)]
    content = "".join(lines).encode()
    assert back(tmp_path_factory.getbasetemp(), convert(content)) == content


def test_hashes_and_probabilities_are_not_text(tmp_path: Path) -> None:
    schema = parquet.read_schema(io.BytesIO(convert(GOLDEN_PROBABILITIES.encode())))
    types = {name: str(kind) for name, kind in zip(schema.names, schema.types, strict=True)}
    assert types["sha256"] == "fixed_size_binary[32]"
    assert {types[name] for name in ("confidence", "second_confidence", "p_1")} == {"float"}
    assert {types[name] for name in ("path", "label", "status")} == {"string"}


def test_an_interrupted_run_is_resumed_to_the_same_bytes(tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.parquet", tmp_path / "labels.parquet"
    write(whole, layout=LAYOUT, run=RUN, form="parquet")
    with pytest.raises(InterruptedRunError):
        write(path, stop_after=2, layout=LAYOUT, run=RUN, form="parquet")
    assert not path.exists()
    assert write(path, layout=LAYOUT, run=RUN, form="parquet", resume=True) == PATHS[2:]
    assert read_tree(tmp_path) == dict.fromkeys(["labels.parquet", "whole.parquet"], whole.read_bytes())
    assert back(tmp_path, path.read_bytes()) == GOLDEN_PROBABILITIES.encode()


def test_rows_are_those_of_the_csv(tmp_path: Path) -> None:
    """Also names that are not UTF-8, which a cell has as a reference."""
    name = os.fsdecode(b"/scans/\xff.png")
    outcomes = [*OUTCOMES, OUTCOMES[0]._replace(path=name)]
    found = []
    for form in ("csv", "parquet"):
        path = tmp_path / f"labels.{form}"
        write(path, outcomes, layout=LAYOUT, run=RUN, form=form)
        found.append(list(read_labels(path, Path("/scans"))))
    assert found[0] == found[1]
    assert found[1][-1].path == name


def test_without_pyarrow_there_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the work, not after it."""
    (tmp_path / "labels.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr(tables, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install pyarrow"):
        list(read_labels(tmp_path / "labels.parquet"))
    with pytest.raises(UsageError, match="pip install pyarrow"):
        write(tmp_path / "new.parquet", layout=LAYOUT, run=RUN, form="parquet")
    assert list(read_tree(tmp_path)) == ["labels.parquet"]


def test_parquet_is_not_written_to_stdout(tmp_path: Path) -> None:
    make_tree(tmp_path, {"7.png": digit_png(7)})
    done = invoke("classify", tmp_path, "-o", "-", "--format", "parquet")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "-o" in done.stderr


FORMS = ["labels.csv", "labels.parquet", "labels.jsonl", "labels.ndjson"]


@pytest.mark.slow
def test_every_command_reads_every_format(
    tmp_path: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chosen by the name; each gives what the CSV gives."""
    scans = {f"{digit}/{n}.png": digit_png(digit, example=n) for digit in range(10) for n in range(6)}
    said = []
    for name in FORMS:
        here = tmp_path / name.replace(".", "_") / "here"
        make_tree(here, {"scans": {**scans, "broken.png": b"no"}})
        monkeypatch.chdir(here)
        model = ("-m", model_file)
        assert invoke("classify", "scans/3", "scans/broken.png", "-o", name, *model).exit_code == 1
        make_tree(here, {"scans": {"new.png": digit_png(4, example=5)}})
        assert invoke("classify", "scans", "-o", name, "--update", *model).exit_code == 1
        make_tree(here, {"truth.csv": "path,label\n" + "".join(f"scans/{f},{f[0]}\n" for f in scans)})
        cells = "path,source,page,block,row,column,kind\nscans/new.png,a.png,1,1,1,1,cell\n"
        make_tree(here, {"cells.csv": cells})
        outputs = [
            invoke("sort", name, "sorted", "-n"),
            invoke("sort", name, "sorted"),
            invoke("evaluate", name, "--truth", "truth.csv", "--json"),
            invoke("review", name, "-o", "review.html", "-q"),
            invoke("review", name, "--truth", name, "-o", "review2.html", "-q"),
            invoke("table", name, "--cells", "cells.csv", "-o", "-"),
            invoke("train", "-d", name, "--trust-machine", "-o", "my.pkl", "-q"),
        ]
        texts = [done.output.replace(name, "labels.csv") for done in outputs]
        texts = [text.replace(str(here.parent), "") for text in texts]
        texts[0] = "\n".join(sorted(texts[0].splitlines()))  # two streams interleave
        rows = [outcome_of(row)._replace(path=Path(row.path).name) for row in read_labels(Path(name))]
        said.append((rows, [done.exit_code for done in outputs], texts))
    assert said[0] == said[1] == said[2] == said[3]
    assert {0, 1} >= set(said[0][1])
    assert (tmp_path / "labels_jsonl/here/labels.jsonl").read_bytes().startswith(b'{"path": ')
    assert (tmp_path / "labels_parquet/here/labels.parquet").read_bytes().startswith(b"PAR1")


@pytest.mark.slow
def test_a_wrong_cell_is_named_with_its_row(tmp_path: Path) -> None:
    content = GOLDEN_PROBABILITIES.replace(",error,", ",erzor,").encode()
    (tmp_path / "labels.parquet").write_bytes(convert(content))
    done = invoke("sort", tmp_path / "labels.parquet", tmp_path / "sorted")
    assert done.exit_code == 2
    assert "labels.parquet, row 4: 'erzor' is no status" in done.stderr


def foreign() -> dict[str, Any]:
    """Tables of other programs."""
    names = pa.array(["a.png", "b.png"])
    return {
        "dictionaries": {"path": names.dictionary_encode(), "label": ["3", ""]},
        "numbers": {"path": names, "label": pa.array([3.0, None])},
        "whole numbers": {"path": names, "label": pa.array([3, None], pa.int8())},
        "large strings": {"path": names.cast(pa.large_string()), "label": pa.array(["3", None])},
        "bytes": {"path": names.cast(pa.binary()), "label": pa.array([b"3", None])},
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", foreign())
def test_tables_of_other_programs_are_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / "labels.parquet"
    shares, status = pa.array([0.9983, None], pa.float64()), ["ok", "rejected"]
    parquet.write_table(pa.table({**foreign()[name], "confidence": shares, "status": status}), path)
    rows = [(Path(row.path).name, row.label, row.cells["confidence"]) for row in read_labels(path)]
    assert rows == [("a.png", "3", "0.9983"), ("b.png", "", "")]


HEAD = "path,label,confidence,status,reason,second,second_confidence,sha256,model"


def some_table(count: int = 3000) -> bytes:
    """A labels.csv as Parquet."""
    chance = random.Random(0)
    lines = (
        f"scans/{n}.png,{n % 10},0.9{n % 1000:03d},ok,,1,0.0001,{chance.randbytes(32).hex()},{MODEL}\n"
        for n in range(count)
    )
    return convert("".join([f"{HEAD}\n", *lines]).encode())


def mutant(content: bytes, seed: int) -> bytes:
    """Damage a file: cut it, flip bits, repeat a part, or write large numbers, mostly in the footer."""
    chance, damaged = random.Random(seed), bytearray(content)
    footer = len(damaged) - 8 - int.from_bytes(damaged[-8:-4], "little")
    kind = seed % 5
    if kind == 0:
        del damaged[chance.randrange(4, len(damaged)) :]
    for _ in range(chance.choice([1, 2, 8])):
        place = chance.randrange(footer if chance.random() < 0.7 else 4, len(content))
        if kind == 1:
            damaged[place] ^= 1 << chance.randrange(8)
        elif kind == 2:
            damaged[place : place + 5] = b"\xfe\xff\xff\xff\x0f"  # a large number, as Thrift writes it
        elif kind == 3:
            damaged[place:place] = damaged[place : place + chance.randrange(1, 99)]
        elif kind == 4:
            damaged[place] = chance.randrange(256)
    return bytes(damaged)


def read_all(path: Path) -> str:
    """Read a table; return what is wrong with it."""
    try:
        for _ in read_labels(path):
            pass
    except UsageError as error:
        return str(error)
    return ""


@pytest.mark.slow
def test_a_damaged_file_is_a_sentence(tmp_path: Path, mutants: int) -> None:
    content = some_table()
    path = tmp_path / "labels.parquet"
    refused = 0
    for seed in range(mutants // 1000):
        path.write_bytes(mutant(content, seed))
        said = read_all(path)
        assert said.isprintable()
        refused += bool(said)
    assert refused > mutants // 2000


def bomb_of_text(path: Path) -> None:
    """A small file of a million reasons of 4,000 characters."""
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 10**6, pa.int8()), ["x" * 4000])
    names = pa.DictionaryArray.from_arrays(pa.array([0] * 10**6, pa.int8()), ["a.png"])
    parquet.write_table(
        pa.table({"path": names, "label": names, "status": names, "reason": text}), path
    )


def lists(path: Path) -> None:
    """A column of lists."""
    names = pa.array(["a.png"])
    table = {"path": names, "label": pa.array([["3"]]), "status": pa.array(["ok"])}
    parquet.write_table(pa.table(table), path)


def many_columns(path: Path) -> None:
    """Three thousand columns."""
    parquet.write_table(pa.table({f"c{n}": pa.array(["1"]) for n in range(3000)}), path)


BOMBS: dict[str, tuple[Callable[[Path], None], str]] = {
    "text": (bomb_of_text, "unpacks to"),
    "lists": (lists, "lists or objects"),
    "columns": (many_columns, "over 2000 columns"),
}

READ = """\
import resource, sys
from pathlib import Path
from digitsort.labels.read_table import opened_table
try:
    with opened_table(Path(sys.argv[1])) as rows:
        for _ in rows:
            pass
except Exception as error:
    print(error)
print(*[line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits memory with RLIMIT_DATA")
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_a_sentence(tmp_path: Path, name: str) -> None:
    make, words = BOMBS[name]
    make(tmp_path / "labels.parquet")
    done = subprocess.run(
        [sys.executable, "-c", READ, tmp_path / "labels.parquet"],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    said, own, of_child = done.stdout.splitlines()
    assert words in said
    assert int(own) < 300 * 1024
    assert int(of_child) < 1400 * 1024
