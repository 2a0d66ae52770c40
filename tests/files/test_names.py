"""Any file name as text, and back."""

from __future__ import annotations

import csv
import io
import os
import string
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digitsort.files.names import (
    folder_of,
    from_cell,
    from_cells,
    name_of_key,
    natural_key,
    printable,
    to_cell,
)

ROOT = "/scans/of 2024"

# Bytes that mean something to CSV, spreadsheets, URLs or terminals, more often than chance has them.
_BYTES = st.one_of(
    st.binary(min_size=1, max_size=1),
    st.sampled_from([c.encode() for c in "=+-@%,;\"'\n\r\t .:~#é😀\u2028\u0085\ufeff\uff1d"]),
    st.sampled_from([b"file:", b"./", b"%41", b"\xff", b"\xed\xa0\x80"]),
)
NAMES = (
    st.lists(_BYTES, min_size=1, max_size=12)
    .map(b"".join)
    .map(lambda name: name.replace(b"/", b"").replace(b"\0", b""))
    .filter(lambda name: name not in (b"", b".", b".."))
    .map(os.fsdecode)
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)

posix_only = pytest.mark.skipif(os.sep != "/", reason="paths as POSIX writes them")


def through_csv(cell: str) -> str:
    """A cell as it comes back from a UTF-8 file that the csv module wrote."""
    file = io.BytesIO()
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    csv.writer(text, lineterminator="\n").writerow([cell, "7"])
    text.flush()
    back = io.TextIOWrapper(io.BytesIO(file.getvalue()), encoding="utf-8", newline="")
    ((path, label),) = csv.reader(back, strict=True)
    assert label == "7"
    return path


@posix_only
@given(PATHS)
@example("=1+1.png")
@example("file:x.png")
@example("a\udcff.png")
@example("line\nbreak.png")
@example("caf\u00e9.png")
@example("cafe\u0301.png")
def test_a_path_below_the_root_comes_back_byte_for_byte(path: str) -> None:
    full = f"{ROOT}/{path}"
    cell = through_csv(to_cell(full, ROOT))
    assert os.fsencode(full) == os.fsencode(from_cell(cell, ROOT))
    assert not cell.startswith("/")


@posix_only
@given(PATHS)
def test_a_path_elsewhere_comes_back_whatever_root_reads_it(path: str) -> None:
    full = f"/elsewhere/{path}"
    cell = through_csv(to_cell(full, ROOT))
    assert os.fsencode(full) == os.fsencode(from_cell(cell, "/another/root"))


@posix_only
@given(PATHS)
def test_no_cell_starts_a_formula_or_holds_what_ends_a_line(path: str) -> None:
    cell = to_cell(f"{ROOT}/{path}", ROOT)
    assert not cell.startswith(
        ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
    )
    assert len(cell.splitlines()) == 1
    cell.encode("utf-8")


@posix_only
@pytest.mark.parametrize(
    ("path", "cell"),
    [
        ("office/scan 1.png", "office/scan 1.png"),
        ("=1+1.png", "./=1+1.png"),
        ("+49.png", "./+49.png"),
        ("-x.png", "./-x.png"),
        ("@x.png", "./@x.png"),
        ("file:x.png", "./file:x.png"),
        ("deep/=x.png", "deep/=x.png"),
        ("50%.png", "50%.png"),
        ("é😀.png", "é😀.png"),
        ("a\nb.png", "file:a%0Ab.png"),
        ("tab\t.png", "file:tab%09.png"),
        ("\udcff.png", "file:%FF.png"),
        ("50%\udcff.png", "file:50%25%FF.png"),
        ("\u2028.png", "file:%E2%80%A8.png"),
        ("/elsewhere/7.png", "/elsewhere/7.png"),
        ("/elsewhere/\udcff.png", "file:/elsewhere/%FF.png"),
        ("/scans/of 2024x/7.png", "/scans/of 2024x/7.png"),
    ],
)
def test_cells(path: str, cell: str) -> None:
    full = os.path.join(ROOT, path)
    assert cell == to_cell(full, ROOT)
    assert full == from_cell(cell, ROOT)


@posix_only
def test_the_root_may_be_the_root_of_all() -> None:
    assert to_cell("/7.png", "/") == "7.png"
    assert from_cell("7.png", "/") == "/7.png"


def test_a_relative_path_is_taken_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert to_cell(os.path.join("scans", "7.png"), str(tmp_path)) == "scans/7.png"


def test_a_path_that_goes_back_through_a_link_names_the_file_that_was_read(tmp_path: Path) -> None:
    """link/../7.png lies beside the folder that the link leads to, not beside the link."""
    (tmp_path / "far" / "inner").mkdir(parents=True)
    (tmp_path / "far" / "7.png").write_bytes(b"far")
    (tmp_path / "7.png").write_bytes(b"near")
    try:
        (tmp_path / "link").symlink_to(tmp_path / "far" / "inner")
    except (OSError, NotImplementedError) as error:
        pytest.skip(f"no symbolic links here: {error}")
    path = str(tmp_path / "link" / ".." / "7.png")
    assert Path(from_cell(to_cell(path, str(tmp_path)), str(tmp_path))).read_bytes() == b"far"


def test_the_folder_of_a_result_is_where_it_lies_and_of_stdout_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(tmp_path) == folder_of("-")
    assert str(tmp_path) == folder_of("labels.csv")
    assert str(tmp_path / "out") == folder_of("out/labels.csv")


@given(st.text() | NAMES)
def test_a_message_shows_no_control_characters_and_can_be_encoded(path: str) -> None:
    shown = printable(path)
    shown.encode("utf-8")
    assert shown.isprintable()
    assert (shown == path) == path.isprintable()


def test_plain_names_are_shown_as_they_are() -> None:
    plain = string.ascii_letters + string.digits + " .-_é😀"
    assert plain == printable(plain)


ODD_CELLS = "=1.png,file:x.png,./=x,a//b,a/./b,../b,a/,.a/b,a\udcff,a\nb,a\n/b,é,a b,/a/../b,-,/".split(
    ","
)


@posix_only
@pytest.mark.parametrize("odd", [*ODD_CELLS, f"{ROOT}/7.png", f"{ROOT}er/7.png", ROOT])
@pytest.mark.parametrize("plain", ["ward/7.png", "/else/where/7.png", f"{ROOT}/ward/7.png"])
def test_many_paths_are_read_as_each_alone(odd: str, plain: str) -> None:
    """Also where one is odd, first, in the middle or last."""
    for paths in ([odd], [odd, plain], [plain, odd, plain], [plain, odd], [plain, plain], []):
        for root in (ROOT, "/", "/a/../b"):
            assert list(from_cells(paths, root)) == [from_cell(path, root) for path in paths]


SORTED_NAMES = st.text(alphabet=st.sampled_from("aAbß0123456789٣²._- é\udcff"), max_size=8)


@pytest.mark.parametrize(
    "ordered",
    [
        ["scan1", "scan2", "scan10"],
        ["a.png", "B.png", "c.png"],
        ["007.png", "7.png", "8.png", "0009.png"],
        ["1", "1.png", "a", "a1"],
        ["page2-line10", "page10-line2"],
        ["", "0", "A", "a"],
        ["x²", "x٣"],  # digits of other scripts are letters here
    ],
)
def test_names_are_ordered_by_their_numbers_whatever_order_they_come_in(ordered: list[str]) -> None:
    for shuffled in permutations(ordered):
        assert ordered == sorted(shuffled, key=natural_key)


@given(SORTED_NAMES, SORTED_NAMES)
def test_only_equal_names_have_equal_keys(one: str, other: str) -> None:
    assert (one == other) == (natural_key(one) == natural_key(other))


@given(st.integers(0, 10**30), st.integers(0, 10**30))
def test_numbers_of_any_length_are_ordered_by_value(low: int, high: int) -> None:
    assert (low < high) == (natural_key(f"scan{low}.png") < natural_key(f"scan{high}.png"))


ANY_NAMES = st.text(st.characters(min_codepoint=3, exclude_categories=["Cs"]), max_size=12)


@given(ANY_NAMES | st.from_regex(r"[a0-2]{0,6}", fullmatch=True))
def test_a_key_gives_the_name_back(name: str) -> None:
    assert name == name_of_key(natural_key(name))
