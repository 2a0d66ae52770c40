"""`digitsort train`."""

from __future__ import annotations

from pathlib import Path

import pytest

from digitsort import Model, load_model
from tests.conftest import Tree, digit_png, invoke, make_tree

FOLDERS: Tree = {
    name: {f"{e}.png": digit_png(digit, example=e, side=32) for e in range(10)}
    for name, digit in (("one", 1), ("=", 7), ("[x]", 3))
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with mine/: three classes that are no digits by name."""
    monkeypatch.chdir(make_tree(tmp_path, {"mine": FOLDERS}))
    return tmp_path


def test_a_model_is_trained_tested_and_written(here: Path) -> None:
    done = invoke("train", "-d", "mine", "-o", "m.pkl")
    shown = " ".join(done.stdout.split())
    assert (done.exit_code, done.stderr) == (0, "")
    assert "Held-out images: accuracy" in shown
    assert "of 6 right" in shown
    for name in FOLDERS:
        assert f"{name} 2 " in shown
    assert "Fitted 24 images" in shown
    card = load_model(here / "m.pkl").card
    assert f"Written to m.pkl, fingerprint {card.short}." in shown
    assert "Next: digitsort classify SCANS --model m.pkl" in shown
    assert set(FOLDERS) == set(card.classes)


def test_pictures_are_sorted_by_the_models_own_classes(here: Path) -> None:
    invoke("train", "-d", "mine", "-o", "m.pkl")
    make_tree(here, {"scans": {"a.png": digit_png(1, side=32), "b.png": digit_png(7, side=32)}})
    done = invoke("sort", "scans", "sorted", "-m", "m.pkl", "--accept-uncertain")
    assert done.exit_code == 0
    assert (here / "sorted" / "one" / "a.png").exists()
    assert (here / "sorted" / "=" / "b.png").exists()


@pytest.mark.slow
def test_the_same_command_gives_the_same_fingerprint(here: Path, model: Model) -> None:
    invoke("train", "-d", "digits", "-o", "m.pkl", "-q")
    assert model.card.fingerprint == load_model(here / "m.pkl").card.fingerprint


@pytest.mark.slow
def test_several_sets_of_data_add_up_and_quiet_is_quiet(here: Path) -> None:
    make_tree(here, {"more": {"one": {f"{e}.png": digit_png(1, example=20 + e) for e in range(5)}}})
    done = invoke("train", "-d", "mine", "-d", "more", "--held-out", "0.2", "--seed", "3", "-q")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    card = load_model(here / "model.pkl").card
    assert card.data == ("folder:mine", "folder:more")
    assert sum(card.counts.values()) + card.held_out_count == 35
    assert card.seed == 3


@pytest.mark.slow
def test_an_existing_model_is_replaced_with_force_only(here: Path) -> None:
    make_tree(here, {"m.pkl": b"another"})
    assert invoke("train", "-d", "mine", "-o", "m.pkl").exit_code == 5
    assert (here / "m.pkl").read_bytes() == b"another"
    assert invoke("train", "-d", "mine", "-o", "m.pkl", "--force", "-q").exit_code == 0
    assert set(FOLDERS) == set(load_model(here / "m.pkl").class_names)


def test_class_names_are_shown_as_they_are_by_every_command(here: Path) -> None:
    """Brackets are no markup."""
    invoke("train", "-d", "mine", "-o", "m.pkl", "-q")
    make_tree(here, {"known": {"[x]": {"a.png": digit_png(3)}, "one": {"a.png": digit_png(1)}}})
    shown = [
        invoke("classify", "known", "-m", "m.pkl", "-o", "l.csv").stderr,
        invoke("sort", "known", "sorted", "-m", "m.pkl", "--accept-uncertain").stderr,
        invoke("evaluate", "known", "-m", "m.pkl").stdout,
        invoke("model", "m.pkl").stdout,
        invoke("inspect", "known/[x]/a.png", "-m", "m.pkl").stdout,
    ]
    assert ["[x]" in text for text in shown] == [True] * 5


@pytest.fixture
def taught(here: Path) -> Path:
    """The working folder, with more/: a sorted folder in which ten pictures of a 9 lie under `one`.

    No class of mine/ has a 9. Of a 3, which `[x]` has, the machine would be told two different things,
    and which of them it says of another 3 hangs on the picture it happens to be nearest to.
    """
    more = {f"{e}.png": digit_png(9, example=20 + e, side=32) for e in range(10)}
    rows = [f"=/{name},=,0.5,ok,,,,aa,m,/x/{name}" for name in more]
    table = "path,label,confidence,status,reason,second,second_confidence,sha256,model,source\n"
    make_tree(here, {"more": {"one": more, "labels.csv": table + "\n".join(rows) + "\n"}})
    return here


def test_what_a_person_moved_is_learned_and_compared_with_the_model_before(taught: Path) -> None:
    """The model before is the one at the output; it is replaced if the new one is no worse."""
    assert invoke("train", "-d", "mine", "-o", "m.pkl", "-q").exit_code == 0
    before = load_model("m.pkl").card.short
    done = invoke("train", "-d", "mine", "-d", "more", "-o", "m.pkl", "--held-out", "0.2")
    assert done.exit_code == 0, done.stderr
    assert "by hand:more: 10 labels from a person, 10 of them by moving the file." in done.stdout
    assert "Learned from 8 of them, kept 2 for the test." in done.stdout
    assert f"before (model {before}) and after:" in done.stdout
    assert "on labels kept for the test      0.00% -> 100.00% (0 -> 2 of 2)" in done.stdout
    assert load_model("m.pkl").card.data == ("folder:mine", "by hand:more")


@pytest.mark.slow
def test_a_better_model_is_kept_without_force(taught: Path) -> None:
    """A model that knew more of the old images stays where it is."""
    assert invoke("train", "-d", "digits", "-o", "m.pkl", "-q").exit_code == 0
    data = (taught / "m.pkl").read_bytes()
    rows = [f"scan{e}.png,1,ok,7" for e in range(10)]
    make_tree(taught, {f"scan{e}.png": digit_png(1, example=30 + e) for e in range(10)})
    (taught / "bad.csv").write_text("path,label,status,human\n" + "\n".join(rows) + "\n")
    arguments = ("train", "-d", "digits", "--corrections", "bad.csv", "-o", "m.pkl")
    done = invoke(*arguments, "--held-out", "0.5")
    assert done.exit_code == 5
    assert "m.pkl is better than the new model" in done.stderr
    assert (taught / "m.pkl").read_bytes() == data
    assert invoke(*arguments, "--held-out", "0.5", "--force", "-q").exit_code == 0
    assert (taught / "m.pkl").read_bytes() != data


def test_a_file_that_is_no_model_is_kept_without_force(taught: Path, model_file: Path) -> None:
    make_tree(taught, {"m.pkl": b"mine"})
    done = invoke("train", "-d", "mine", "-d", "more", "-o", "m.pkl")
    assert (done.exit_code, (taught / "m.pkl").read_bytes()) == (5, b"mine")
