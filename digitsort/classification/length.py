"""Define how many digits a number may have."""

from __future__ import annotations

import re
from dataclasses import dataclass

from digitsort.errors import UsageError
from digitsort.labels.cells import MOST_DIGITS, OF_NUMBERS

__all__ = ["ANY_LENGTH", "MOST_DIGITS", "OF_NUMBERS", "Length"]


@dataclass(frozen=True, slots=True)
class Length:
    """Range of how many digits a number may have.

    Attributes
    ----------
    least, most : int
        Smallest and largest count, 1 to `MOST_DIGITS`.

    Raises
    ------
    UsageError
        If one of them is out of that range, or if `most` is less than `least`.
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
            If the text is not a number or a range from 1 to `MOST_DIGITS`.

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
