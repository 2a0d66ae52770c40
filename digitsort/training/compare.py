"""See whether a model that learned from a person became better than the one before."""

from __future__ import annotations

from dataclasses import dataclass

from digitsort.model.reading import Model, parse_model
from digitsort.recognition.score import predict, score
from digitsort.recognition.threads import one_blas_thread
from digitsort.training.examples import Examples
from digitsort.training.fit import Trained

ALLOWED_LOSS = 0.002
"""Share of the old held-out images that may be lost, 0-1."""


@dataclass(frozen=True, slots=True)
class Change:
    """Of `count` images, how many were read right by the model before, if any, and the one after."""

    count: int
    before: int | None
    after: int

    def is_loss(self, allowed: float = 0.0) -> bool:
        """Whether more than the `allowed` share (0-1) of the images was lost."""
        return self.before is not None and self.after < self.before - allowed * self.count


@dataclass(frozen=True, slots=True)
class Comparison:
    """A model beside the one before.

    Attributes
    ----------
    on_kept : Change
        On a person's labels that were kept for the test.
    on_held_out : Change
        On the held-out images of the other data.
    """

    on_kept: Change
    on_held_out: Change

    @property
    def is_worse(self) -> bool:
        """Whether the model before reads more of either, but for a small loss on the old images."""
        return self.on_kept.is_loss() or self.on_held_out.is_loss(ALLOWED_LOSS)


def compare(before: Model | None, trained: Trained) -> Comparison:
    """Have both models read what the new one was not fitted to."""
    after = parse_model(trained.data)
    return Comparison(
        _change(trained.taught.kept, before, after), _change(trained.held_out, before, after)
    )


def _change(examples: Examples, before: Model | None, after: Model) -> Change:
    known = None if before is None else _right(examples, before)
    return Change(len(examples), known, _right(examples, after))


def _right(examples: Examples, model: Model) -> int:
    if not len(examples):
        return 0
    with one_blas_thread():
        best = predict(score(examples.features, model.machine))
    return sum(model.class_names[i] == label for i, label in zip(best, examples.labels, strict=True))
