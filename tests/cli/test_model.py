"""`digitsort model`."""

from __future__ import annotations

from pathlib import Path

from digitsort import Model, load_model
from tests.conftest import invoke
from tests.model.hostile.case import good_model, on_card


def test_the_card_of_a_file_is_shown(model_file: Path, model: Model) -> None:
    done = invoke("model", model_file)
    assert (done.exit_code, done.stderr) == (0, "")
    shown = {line[:17].strip(): line[17:] for line in done.stdout.splitlines()}
    card = model.card
    assert shown["data"] == "digits"
    assert shown["classes"] == "0 1 2 3 4 5 6 7 8 9"
    assert shown["fitted to"] == f"{sum(card.counts.values())} images"
    assert shown["held out"] == (f"{card.held_out_accuracy:.2%} of {card.held_out_count} images right")
    assert shown["fingerprint"] == card.fingerprint
    assert shown["created"] == card.created
    assert "scikit-learn" in shown["versions"]
    assert set(card.versions) <= set(shown["versions"].replace(",", "").split())


def test_verify_asks_for_the_fingerprint_and_the_known_answers(model_file: Path) -> None:
    done = invoke("model", model_file, "--verify")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1].endswith("fingerprint and 64 known answers agree")
    shown = {line[:17].strip(): line[17:] for line in done.stdout.splitlines()}
    assert shown["read as data"] == "nothing in the file was imported or called"
    assert {"format", "numbers", "consistent"} <= set(shown)


def test_a_model_that_was_tampered_with_is_refused(tmp_path: Path, model_file: Path) -> None:
    """One number of an array set to zero: it is not what its fingerprint says."""
    data = bytearray(model_file.read_bytes())
    vectors = load_model(model_file).machine.vectors
    where = bytes(data).index(vectors.astype("<f8").tobytes()[:4096])
    nonzero = next(i for i in range(where, len(data), 8) if any(data[i : i + 8]))
    data[nonzero : nonzero + 8] = bytes(8)
    (tmp_path / "m.pkl").write_bytes(data)
    for arguments in ((), ("--verify",)):
        done = invoke("model", tmp_path / "m.pkl", *arguments)
        assert (done.exit_code, done.stdout) == (3, "")
        assert "not what its fingerprint says" in done.stderr


def test_without_a_file_the_default_model_is_shown() -> None:
    from digitsort import default_model

    expected = default_model().card
    assert invoke("model").stdout.splitlines()[-1].split() == ["fingerprint", expected.fingerprint]


def test_a_card_writes_no_control_characters_to_the_terminal(tmp_path: Path) -> None:
    """Escapes could move the cursor, or say that the file is verified."""
    data = on_card(data=["\x1b[2Jdigits\nverified         yes"], created="\x07")(good_model())
    (tmp_path / "m.pkl").write_bytes(data)
    done = invoke("model", tmp_path / "m.pkl")
    assert done.exit_code == 0
    assert r"data             \x1b[2Jdigits\nverified         yes" in done.stdout.splitlines()
    assert r"created          \x07" in done.stdout.splitlines()
