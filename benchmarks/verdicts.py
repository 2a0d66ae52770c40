"""Count what a reader makes of pictures whose truth is known, and draw those that it misreads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digitsort import Model, default_model, load_model
from digitsort.classification.decide import Verdict, decide
from digitsort.outcomes import Status
from digitsort.recognition.canvas import Gray
from digitsort.recognition.vectorize import vectorize

BATCH = 256
"""Images decided on at a time, as a worker does."""

DIGITS = tuple("0123456789")

Decide = Callable[[Sequence[Gray]], Sequence[Verdict]]
"""Gray images to verdicts; any function of this kind can be measured."""


class Judged(NamedTuple):
    """A picture, what it shows and what a reader made of it.

    Attributes
    ----------
    gray : ndarray of shape (height, width)
    truth : str
        The digit; empty where the picture shows none.
    verdict : Verdict
    """

    gray: Gray
    truth: str
    verdict: Verdict

    @property
    def is_right(self) -> bool:
        """Return whether the label is the truth; a rejected picture has no label and is wrong."""
        return self.verdict.label == self.truth

    @property
    def is_accepted(self) -> bool:
        """Return whether the status is ok."""
        return self.verdict.status is Status.OK


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts for pictures of one kind; shares are 0-1.

    Attributes
    ----------
    images : int
    right : float
        Share with the right label; rejected ones count as wrong.
    guessed : float
        Share whose most probable digit is right, rejected or not.
    accepted : float
        Share with the status ok.
    accepted_wrong : float
        Share of all pictures that is ok and wrong.
    reasons : Counter of str
        Of the rejected ones.
    taken_for : Counter of str
        Labels of the accepted ones.
    """

    images: int
    right: float
    guessed: float
    accepted: float
    accepted_wrong: float
    reasons: Counter[str]
    taken_for: Counter[str]

    @property
    def wrong_among_accepted(self) -> float:
        """Share of the accepted pictures that is wrong."""
        return self.accepted_wrong / self.accepted if self.accepted else 0.0


def open_model(file: Path | None) -> Model:
    """Read a model's file, or return the default model."""
    return default_model() if file is None else load_model(file)


def decide_with(model: Model) -> Decide:
    """Return digitsort's own reader, with a model."""
    return lambda grays: decide(grays, model)


def judge(
    grays: Sequence[Gray], truths: Sequence[str], decide: Decide, batch: int = BATCH
) -> list[Judged]:
    """Decide on each picture, some hundred at a time."""
    verdicts = [v for i in range(0, len(grays), batch) for v in decide(grays[i : i + batch])]
    return list(map(Judged, grays, truths, verdicts))


def count(judged: Sequence[Judged], names: Sequence[str] = DIGITS) -> Counts:
    """Count verdicts; `names` are the classes in the order of the verdicts' probabilities."""
    n = max(len(judged), 1)
    accepted = [one for one in judged if one.is_accepted]
    rejected = [one.verdict for one in judged if one.verdict.status is Status.REJECTED]
    return Counts(
        images=len(judged),
        right=sum(one.is_right for one in judged) / n,
        guessed=sum(best_guess(one.verdict, names) == one.truth for one in judged) / n,
        accepted=len(accepted) / n,
        accepted_wrong=sum(not one.is_right for one in accepted) / n,
        reasons=Counter(verdict.reason for verdict in rejected),
        taken_for=Counter(one.verdict.label for one in accepted),
    )


def best_guess(verdict: Verdict, names: Sequence[str] = DIGITS) -> str:
    """Return the most probable digit of a verdict, even of a rejected one."""
    chances = [
        (chance, name)
        for chance, name in zip(verdict.probabilities, names, strict=False)
        if name in DIGITS
    ]
    return max(chances)[1] if chances else verdict.label


def most_common(counter: Counter[str], number: int = 3) -> str:
    """Write the most frequent entries as text: "noise 12, blank 3"."""
    return ", ".join(f"{name} {times}" for name, times in counter.most_common(number))


AT_MOST = 60
"""Pictures on a sheet."""

COLUMNS, SIDE_PX, NORMAL_PX, NOTE_PX, GAP_PX = 8, 112, 64, 40, 6
BACKGROUND = 190
"""Gray of the sheet, so that the edges of white and of black pictures can be seen."""


def write_contact_sheet(
    judged: Sequence[Judged], file: Path, wanted: str = "failed", at_most: int = AT_MOST
) -> int:
    """Write one sheet of what failed; return how many pictures failed in all.

    Parameters
    ----------
    judged : sequence of Judged
    file : Path
        A PNG file; its folder is made. No file is written where nothing failed.
    wanted : {"failed", "accepted"}
        "failed": wrong labels and rejected pictures. "accepted": status ok, where there is no digit.
    at_most : int
        Of more, accepted ones are taken first, then others evenly.
    """
    failed = [one for one in judged if (one.is_accepted if wanted == "accepted" else not one.is_right)]
    if failed:
        file.parent.mkdir(parents=True, exist_ok=True)
        draw_contact_sheet(_chosen(failed, at_most)).save(file)
    return len(failed)


def draw_contact_sheet(judged: Sequence[Judged]) -> Image.Image:
    """Draw each picture as given, beside it what the model sees, below it the verdict."""
    width, height = SIDE_PX + NORMAL_PX + 3 * GAP_PX, SIDE_PX + NOTE_PX + GAP_PX
    columns = min(COLUMNS, max(len(judged), 1))
    sheet = Image.new("L", (columns * width, -(-len(judged) // columns) * height), BACKGROUND)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    normals = vectorize([one.gray for one in judged]).normal
    for number, (one, normal) in enumerate(zip(judged, normals, strict=True)):
        left, top = number % columns * width + GAP_PX, number // columns * height + GAP_PX
        sheet.paste(_fitted(one.gray), (left, top))
        seen = Image.fromarray(255 - normal).resize((NORMAL_PX, NORMAL_PX), Image.Resampling.NEAREST)
        sheet.paste(seen, (left + SIDE_PX + GAP_PX, top))
        pen.multiline_text((left, top + SIDE_PX), note(one), fill=0, font=font, spacing=1)
    return sheet


def note(one: Judged) -> str:
    """Write the truth, the guess, confidence, familiarity, status and reason on three lines."""
    verdict = one.verdict
    chances = verdict.probabilities
    confidence = verdict.confidence if verdict.confidence is not None else max(chances, default=0.0)
    guess = verdict.label or f"({best_guess(verdict)})"
    return (
        f"{one.truth or 'none'} > {guess}  {verdict.status.value}\n"
        f"conf {confidence:.2f}  fam {verdict.familiarity:.2f}\n{verdict.reason}"
    )


def _chosen(failed: Sequence[Judged], at_most: int) -> list[Judged]:
    """Take the accepted first, then evenly from the others; sort them by truth and label."""
    accepted = [one for one in failed if one.is_accepted][:at_most]
    others = [one for one in failed if not one.is_accepted]
    room = min(at_most - len(accepted), len(others))
    picked = [others[i] for i in np.linspace(0, len(others) - 1, room).astype(int)] if room else []
    return sorted(accepted + picked, key=lambda one: (one.truth, one.verdict.label))


def _fitted(gray: Gray) -> Image.Image:
    """Resize a picture so that its longer side fills its place; tiny ones show their pixels."""
    values = np.asarray(gray)
    if values.dtype != np.uint8:
        span = {"u": 65535, "b": 1}.get(values.dtype.kind, 1)
        values = np.rint(values.astype(np.float64) * (255 / span)).astype(np.uint8)
    image = Image.fromarray(values)
    scale = SIDE_PX / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.NEAREST if scale > 2 else Image.Resampling.BICUBIC)
