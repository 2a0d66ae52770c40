"""`digitsort inspect`."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageOps

from tests.conftest import digit_image, encoded, invoke, make_tree


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a few pictures."""
    monkeypatch.chdir(
        make_tree(
            tmp_path,
            {
                "3.png": digit_image(3),
                "light.png": ImageOps.invert(digit_image(3)),
                "blank.png": Image.new("L", (40, 30), 255),
                "mixed.png": Image.blend(digit_image(1), digit_image(0), 0.5),
                "large.png": digit_image(3, side=2000),
                "pages.tif": encoded(
                    digit_image(3), "TIFF", save_all=True, append_images=[digit_image(8)]
                ),
                "broken.png": b"",
            },
        )
    )
    return tmp_path


def facts(model_file: Path, *names: str) -> dict[str, str]:
    """What is said beside the picture, by its first word."""
    done = invoke("inspect", *names, "-m", model_file)
    assert (done.exit_code, done.stderr) == (0, "")
    right = [line[36:].rstrip() for line in done.stdout.splitlines()]
    return {line.split()[0]: line[10:] for line in right if line[:1].isalpha()}


@pytest.mark.usefixtures("here")
def test_size_polarity_box_and_decision_are_told(model_file: Path) -> None:
    told = facts(model_file, "3.png")
    assert told["size"] == "64 x 64 px"
    assert told["ink"] == "dark on light"
    assert told["parts"].startswith("1, covering ")
    assert told["status"] == "ok"
    assert told["guess"].startswith("3  0.9") or told["guess"] == "3  1.0000"
    left, top, right, bottom = (int(n) for n in told["box"].replace(" to ", ",").split(","))
    assert 8 <= left < right <= 56
    assert 8 <= top < bottom <= 56
    assert told["ok"].startswith("confidence 0.9")


@pytest.mark.usefixtures("here")
def test_light_ink_on_dark_paper_is_told(model_file: Path) -> None:
    assert facts(model_file, "light.png")["ink"] == "light on dark"


@pytest.mark.usefixtures("here")
def test_three_guesses_are_given_the_best_first(model_file: Path) -> None:
    shown = invoke("inspect", "mixed.png", "-m", model_file).stdout
    lines = [line[36:].removeprefix("guess").split() for line in shown.splitlines()]
    guesses = [line for line in lines if len(line) == 2 and line[0].isdigit()]
    assert len(guesses) == 3
    assert sorted(guesses, key=lambda guess: -float(guess[1])) == guesses


@pytest.mark.usefixtures("here")
def test_the_reason_of_a_decision_is_told(model_file: Path) -> None:
    assert facts(model_file, "mixed.png")["status"] == "uncertain: low confidence"
    blank = facts(model_file, "blank.png")
    assert blank["status"] == "rejected: blank"
    assert blank["size"] == "40 x 30 px"
    assert "guess" not in blank


@pytest.mark.usefixtures("here")
def test_that_only_the_first_page_was_read_is_told(model_file: Path) -> None:
    assert facts(model_file, "pages.tif")["note"] == "first of several pages"


@pytest.mark.usefixtures("here")
def test_the_picture_is_what_the_model_sees(model_file: Path) -> None:
    """32 x 32 pixels in 16 lines of 32 shades, centered, alike for dark and for light ink."""
    shown = invoke("inspect", "3.png", "-m", model_file).stdout.splitlines()
    light = invoke("inspect", "light.png", "-m", model_file).stdout.splitlines()
    drawn = [line[2:34].ljust(32) for line in shown[1:17]]
    assert set("".join(drawn)) <= set(" ░▒▓█")
    assert {drawn[0][0], drawn[0][-1], drawn[-1][0], drawn[-1][-1]} == {" "}
    assert drawn == [line[2:34].ljust(32) for line in light[1:17]]
    assert shown[0] == "3.png"
    columns = [x for line in drawn for x, shade in enumerate(line) if shade == "█"]
    assert 8 < sum(columns) / len(columns) < 24


@pytest.mark.usefixtures("here")
def test_an_unreadable_picture_does_not_keep_the_next_from_being_shown(model_file: Path) -> None:
    done = invoke("inspect", "broken.png", "3.png", "-m", model_file)
    assert done.exit_code == 1
    assert done.stderr == "digitsort: broken.png: empty file.\n"
    assert done.stdout.startswith("3.png\n")
