"""How to train."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How to train.

    Attributes
    ----------
    seed : int
        Of the split.
    held_out : float
        Share of the images that nothing is fitted to, 0-1.
    tune : bool
        Search C and gamma by cross-validation.
    max_error : float or None
        Share of wrong labels among the accepted ones that the threshold has to keep to, certified; None
        certifies `digitsort.training.certify.DEFAULT_MAX_ERROR` if there are enough images for it.
    """

    seed: int = 0
    held_out: float = 0.2
    tune: bool = False
    max_error: float | None = None


DEFAULTS = TrainingOptions()
