"""Define how many digits a number may have."""

from __future__ import annotations

import re
from dataclasses import dataclass

from digitsort.errors import UsageError

MOST_DIGITS = 32
"""Digits of the longest number."""

OF_NUMBERS = "+number"
"""End of what the column `model` of a labels.csv says of numbers."""


@dataclass(frozen=True, slots=True)
class Length:
    """How many digits a number has.

    Attributes
    ----------
    least, most : int
        From 1 to 32.

    Raises
    ------
    UsageError
        If they are not, or if `most` is less than `least`.
    """

    least: int = 1
    most: int = MOST_DIGITS

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.most <= MOST_DIGITS:
            raise UsageError(
                f"A number has from 1 to {MOST_DIGITS} digits, the least number first: "
                f"got {self.least} to {self.most}."
            )

    @classmethod
    def of(cls, text: str) -> Length:
        """Read a length such as ``4`` or ``1-6``.

        Raises
        ------
        UsageError
            If it is neither.

        Examples
        --------
        >>> Length.of("4"), Length.of("1-6")
        (Length(least=4, most=4), Length(least=1, most=6))
        """
        found = re.fullmatch(r"(\d{1,2})(?:-(\d{1,2}))?", text, re.ASCII)
        least, most = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not 1 <= least <= most <= MOST_DIGITS:
            raise UsageError(
                f"--length must be a number from 1 to {MOST_DIGITS} or a range such as 1-6, got {text}."
            )
        return cls(least, most)


ANY_LENGTH = Length()
