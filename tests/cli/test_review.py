"""`digitsort review`."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import digit_png, invoke, make_tree, run_digitsort

HEADER = "path,label,confidence,status,reason,second,second_confidence,sha256,model"
ROWS = (
    "a.png,3,0.4000,uncertain,low confidence,5,0.3000,aa,m1",
    "b.png,7,0.9990,ok,,1,0.0010,bb,m1",
    "c.png,,,rejected,blank,,,cc,m1",
    "d.png,,,error,broken image,,,dd,m1",
)


class Page(HTMLParser):
    """The texts of a page's scripts and styles, and every attribute."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.attributes: list[tuple[str, str | None]] = []
        self._open: dict[str, str | None] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        self._open = dict(attrs) if tag == "script" else None

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self.scripts.append((self._open, data))
            self._open = None

    @property
    def cards(self) -> list[dict[str, Any]]:
        by_id = {
            attributes.get("id"): json.loads(text)
            for attributes, text in self.scripts
            if "id" in attributes
        }
        fields = by_id["settings"]["fields"]
        blocks = [
            json.loads(text) for attributes, text in self.scripts if attributes.get("class") == "cards"
        ]
        return [dict(zip(fields, values, strict=True)) for block in blocks for values in block]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a labels.csv of four rows and two of its pictures."""
    tree = {"labels.csv": "\n".join([HEADER, *ROWS, ""]), "a.png": digit_png(3), "b.png": digit_png(7)}
    monkeypatch.chdir(make_tree(tmp_path, tree))
    return tmp_path


def page(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def test_with_all_each_row_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = {f"{n}.png": digit_png(1, example=n) for n in range(60)} | {"60.png": digit_png(8)}
    rows = [f"{name},1,0.9900,ok" for name in pictures]
    tree = {"labels.csv": "\n".join(["path,label,confidence,status", *rows, ""]), **pictures}
    monkeypatch.chdir(make_tree(tmp_path, tree))
    done = invoke("review", "labels.csv", "--all")
    found = [int(word) for word in re.findall(r"\d+", done.stderr.partition("rows: ")[2])[:4]]
    assert found[1] > 0, done.stderr
    assert sum(found) == 61


def test_the_page_shows_the_doubtful_and_a_sample(here: Path) -> None:
    done = invoke("review", "labels.csv")
    assert (done.exit_code, done.stdout) == (0, "")
    assert (
        "The page shows 3 of 4 rows: 2 to check, 0 accepted but unlike the others, 1 at random"
        in done.stderr
    )
    assert "Written to review.html" in done.stderr
    cards = page(here / "review.html").cards
    assert [card["path"] for card in cards] == ["a.png", "c.png", "b.png"]
    first = cards[0]
    assert first["line"] == ROWS[0]
    assert (first["label"], first["confidence"], first["second"]) == ("3", "0.4000", "5")
    assert first["picture"].startswith("data:image/")
    assert (cards[1]["picture"], cards[1]["note"]) == ("", "file not found")


def test_everything_is_in_the_one_file(here: Path) -> None:
    """No address of anything outside, and a policy that would not let it in."""
    invoke("review", "labels.csv", "-q")
    found = page(here / "review.html")
    addresses = [
        value for name, value in found.attributes if name in ("src", "href", "action", "srcset")
    ]
    assert all(value is not None and value.startswith("data:") for value in addresses)
    (policy,) = (
        value for name, value in found.attributes if name == "content" and value and "src" in value
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert not [name for name, _ in found.attributes if name.startswith("on") or name == "style"]


@pytest.mark.parametrize(
    ("options", "paths"),
    [
        (["--all"], ["a.png", "c.png", "d.png", "b.png"]),
        (["--only", "uncertain"], ["a.png"]),
        (["--only", "error", "--only", "ok"], ["d.png", "b.png"]),
        (["--limit", "1"], ["a.png"]),
        (["--all", "--limit", "2"], ["a.png", "c.png"]),
    ],
)
def test_options_choose_the_rows(here: Path, options: list[str], paths: list[str]) -> None:
    assert invoke("review", "labels.csv", *options).exit_code == 0
    assert [card["path"] for card in page(here / "review.html").cards] == paths


def test_what_is_left_out_is_said(here: Path) -> None:
    done = invoke("review", "labels.csv", "--limit", "1")
    assert "1 doubtful row left out" in done.stderr
    text = (here / "review.html").read_text(encoding="utf-8")
    assert "the 1 least certain of 2" in text


def test_the_header_counts_everything(here: Path) -> None:
    invoke("review", "labels.csv", "--limit", "1")
    text = re.sub(r"<[^>]+>", "", (here / "review.html").read_text(encoding="utf-8"))
    assert "4 files · model m1" in text
    for count in ("1 ok", "1 uncertain", "1 rejected", "1 error"):
        assert count in text


def test_truth_gives_the_confusion_matrix(here: Path) -> None:
    make_tree(here, {"t.csv": "path,label\na.png,5\nb.png,7\n"})
    invoke("review", "labels.csv", "--truth", "t.csv")
    text = (here / "review.html").read_text(encoding="utf-8")
    assert "Confusion matrix: rows are the truth" in text
    assert "Coverage against error" in text
    assert [card["human"] for card in page(here / "review.html").cards] == ["", "", ""]


def test_corrections_of_an_earlier_review_are_shown(here: Path) -> None:
    make_tree(here, {"elsewhere": {"c.csv": f"{HEADER},human\n{ROWS[1]},1\n{ROWS[3]},_none\n"}})
    done = invoke("review", "labels.csv", "--corrections", "elsewhere/c.csv")
    assert "2 already labelled" in done.stderr
    cards = page(here / "review.html").cards
    assert {card["path"]: card["human"] for card in cards} == {
        "a.png": "",
        "c.png": "",
        "d.png": "_none",
        "b.png": "1",
    }
    assert [card["line"] for card in cards if card["path"] == "b.png"] == [ROWS[1]]


def test_of_several_corrections_the_latest_label_counts_and_contradictions_are_counted(
    here: Path,
) -> None:
    tables = {
        "1.csv": f"{HEADER},human\n{ROWS[0]},5\n{ROWS[1]},1\n",
        "2.csv": f"{HEADER},human\n{ROWS[0]},8\n{ROWS[2]},_none\n",
    }
    make_tree(here, tables)
    done = invoke("review", "labels.csv", "--corrections", "1.csv", "--corrections", "2.csv")
    assert done.exit_code == 0
    assert "The corrections give 1 row different labels. The latest label counts" in done.stderr
    cards = page(here / "review.html").cards
    assert {card["path"]: card["human"] for card in cards} == {
        "a.png": "8",
        "b.png": "1",
        "c.png": "_none",
    }


def test_class_names_are_those_of_the_file(here: Path) -> None:
    make_tree(here, {"abc.csv": f"{HEADER}\na.png,A,0.4,uncertain,,B,0.1,aa,m\nb.png,a,,ok,,,,,m\n"})
    invoke("review", "abc.csv", "--root", str(here))
    settings = next(
        json.loads(text)
        for attributes, text in page(here / "review.html").scripts
        if attributes.get("id") == "settings"
    )
    assert settings["classes"] == ["A", "a", "B"]


def test_an_existing_page_is_kept_without_force(here: Path) -> None:
    make_tree(here, {"review.html": "mine"})
    done = invoke("review", "labels.csv")
    assert done.exit_code == 5
    assert (here / "review.html").read_text() == "mine"
    assert invoke("review", "labels.csv", "--force").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["missing.csv"], 2, "can't be read"),
        (["a.png"], 2, "is a PNG picture"),
        (["labels.csv", "--only", "sure"], 2, "Choose one of ok, uncertain, rejected, error"),
        (["empty.csv"], 4, "has no rows"),
        (["labels.csv", "--corrections", "labels.csv"], 2, "no column human"),
        (["labels.csv", "--truth", "missing.csv"], 2, "can't be read"),
        (["labels.csv", "-o", "."], 5, "is a folder"),
    ],
)
def test_what_is_of_no_use_is_named(here: Path, arguments: list[str], code: int, says: str) -> None:
    make_tree(here, {"empty.csv": HEADER + "\n"})
    done = invoke("review", *arguments)
    assert (done.exit_code, says in done.stderr) == (code, True), done.stderr
    assert not (here / "review.html").exists()


def test_the_browser_is_opened_when_asked(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_it(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr("webbrowser.open", open_it)
    invoke("review", "labels.csv", "--open")
    assert opened == [(here / "review.html").as_uri()]
    monkeypatch.setattr("webbrowser.open", lambda url: False)
    done = invoke("review", "labels.csv", "--open", "--force", "-q")
    assert "Could not start a browser" in done.stderr


def test_a_page_needs_no_scikit_learn(here: Path) -> None:
    make_tree(here, {"t.csv": "path,label\na.png,5\n"})
    code = (
        "import sys; from digitsort.cli import make_app; "
        "words = ['review', 'labels.csv', '-q', '--truth', 't.csv']; "
        "make_app(words)(words, standalone_mode=False); "
        "print([m for m in ('sklearn', 'scipy.optimize') if m in sys.modules])"
    )
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False
    )
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def test_in_a_process_of_its_own(here: Path) -> None:
    done = run_digitsort("review", "labels.csv", "--all", "--workers", "2", cwd=here)
    assert (done.returncode, done.stdout) == (0, "")
    assert len(page(here / "review.html").cards) == 4


def test_a_page_of_other_classes_speaks_of_these(here: Path) -> None:
    """Its keys, its words and the command it suggests; the page of digits is as it was."""
    rows = ["a.png,plus,0.4000,uncertain,low confidence,x,0.3000,aa,m1", "b.png,B,0.9990,ok,,,,bb,m1"]
    for name, lines in ("labels.csv", ROWS), ("signs.csv", rows):
        (here / name).write_text("\n".join([HEADER, *lines, ""]))
        assert invoke("review", name, "-o", f"{name}.html", "-q").exit_code == 0
    of_digits, of_signs = ((here / f"{name}.html").read_text() for name in ("labels.csv", "signs.csv"))
    assert "train -d default -d labels.csv" in of_digits
    assert "<td><kbd>x</kbd> or <kbd>Delete</kbd></td><td>not a digit</td>" in of_digits
    assert "train -d DATA -d signs.csv" in of_signs
    assert "<td><kbd>Delete</kbd></td><td>none of these</td>" in of_signs
    assert "<kbd>B</kbd> <kbd>x</kbd> <kbd>p</kbd> plus" in of_signs
    for words in "Digits found", "Not a digit", "not a digit":
        assert words in of_digits
        assert words not in of_signs


def test_keys_are_those_of_the_classes() -> None:
    from digitsort.review.page import keys_of

    found = keys_of(["A", "minus", "max", "plus", "xx", "x"])
    assert found == {"A": "A", "x": "x", "m": "minus", "p": "plus"}
    assert keys_of(["xx", "no"]) == {"n": "no"}  # x is the key for none of them


def test_classes_of_which_one_has_no_key_are_typed(tmp_path: Path) -> None:
    lines = [f"{name}.png,{name},0.5,uncertain,low,,,,m" for name in ("xx", "no")]
    make_tree(tmp_path, {"labels.csv": "\n".join([HEADER, *lines, ""]), "no.png": b""})
    page = tmp_path / "review.html"
    assert invoke("review", tmp_path / "labels.csv", "-o", page, "-q").exit_code == 0
    assert "first letters" in page.read_text()
    assert "<td><kbd>Delete</kbd></td><td>none of these</td>" in page.read_text()  # x begins xx


def test_every_way_of_reading_has_plain_words_on_the_page() -> None:
    """A person may see nothing of an underline or a frame that was taken away."""
    from digitsort.recognition.looks import ROUNDS
    from digitsort.review.page import PLAIN_REASONS

    words = {f"read {way.words}" for of_round in ROUNDS for way in of_round}
    assert words | {"two readings"} == set(PLAIN_REASONS)
