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
    assert "24 images fitted" in shown
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


def test_the_same_command_gives_the_same_fingerprint(here: Path, model: Model) -> None:
    invoke("train", "-d", "digits", "-o", "m.pkl", "-q")
    assert model.card.fingerprint == load_model(here / "m.pkl").card.fingerprint


def test_several_sets_of_data_add_up_and_quiet_is_quiet(here: Path) -> None:
    make_tree(here, {"more": {"one": {f"{e}.png": digit_png(1, example=20 + e) for e in range(5)}}})
    done = invoke("train", "-d", "mine", "-d", "more", "--held-out", "0.2", "--seed", "3", "-q")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    card = load_model(here / "model.pkl").card
    assert card.data == ("folder:mine", "folder:more")
    assert sum(card.counts.values()) + card.held_out_count == 35
    assert card.seed == 3


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
