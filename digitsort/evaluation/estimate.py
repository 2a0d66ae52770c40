"""Estimate how many rows of a labels.csv are right, from those that a person labelled.

The labelled rows are not a fair sample: most were shown because they are doubtful or look wrong. So
each kind of row (status and label) is weighted by how often it occurs in the table. Of the accepted
rows, only the random check is used, but the share of wrong ones is never less than what was found.
This makes it pessimistic: in a table of 4,300 accepted rows of which 0.7 % are wrong, and three
quarters of these were found among the rows that are unlike the others, a check of 60 rows gives 1.0 %
on average.
Without this limit the average would be right, but most estimates would contradict what was found.

Rows that a person could not read are left out: the estimate is for the rows that can be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from math import ceil
from operator import itemgetter
from os.path import basename

from digitsort.labels.cells import NONE_LABEL, UNCLEAR
from digitsort.labels.row import Row, right_label
from digitsort.outcomes import Status

PER_LABEL = 6
"""Number of accepted rows of each label in one random check: 60 for ten digits."""

MISS = 0.05
"""One minus the confidence of the intervals."""

_READ = (Status.OK, Status.UNCERTAIN, Status.REJECTED)


def lot_of(row: Row) -> int:
    """Return the permanent random number of a row: the rows with the lowest ones are the random check.

    It depends on the content and the name of the file, not on the label, the folder or the table. So
    `evaluate` knows later which labelled rows are a fair sample, whichever others a person labelled
    (Ohlsson 1995, "Coordination of samples using permanent random numbers").
    """
    name = basename(row.path) if row.sha256 else row.cells.get("path", row.path)
    key = f"{row.sha256}/{name}".encode(errors="surrogateescape")
    return int.from_bytes(blake2b(key, digest_size=8).digest())


@dataclass(frozen=True, slots=True)
class Interval:
    """Estimate of a share, with the bounds of its 95 % interval; all 0-1."""

    share: float
    low: float
    high: float

    def of_other(self) -> Interval:
        """Return the interval of the complement, `1 - share`."""
        return Interval(1 - self.share, 1 - self.high, 1 - self.low)


@dataclass(frozen=True, slots=True)
class Estimate:
    """Estimate for all rows of a labels.csv whose files could be read.

    Attributes
    ----------
    rows : int
        Number of these rows.
    right : Interval
        Share of them that are right.
    accepted : int
        Number of accepted rows.
    accepted_wrong : Interval
        Share of these that are wrong.
    found_wrong : int
        Number of accepted rows that are known to be wrong.
    checked : int
        Number of accepted rows that were checked at random.
    open : int
        Number of rows that nothing is known about: doubtful rows without a label, and accepted rows of
        a label without a random check. The intervals allow for all of them to be right, or wrong.
    more : int
        About how many more labels in the random check would halve the interval of `accepted_wrong`.
    """

    rows: int
    right: Interval
    accepted: int
    accepted_wrong: Interval
    found_wrong: int
    checked: int
    open: int
    more: int


@dataclass(slots=True)
class _Stratum:
    """Counts of the rows of one status and one label.

    `labelled` has the lot of each labelled row (`lot_of`), and whether the row is wrong. `unclear` has
    the lots of the rows that a person could not read; `size` does not count them. `first_open` is the
    lowest lot of an unlabelled row.
    """

    size: int = 0
    wrong: int = 0
    labelled: list[tuple[int, bool]] = field(default_factory=list)
    unclear: list[int] = field(default_factory=list)
    first_open: int | None = None

    def add(self, lot: int, right: bool | None) -> None:
        """Count a row; `right` is None if it is not known."""
        self.size += 1
        if right is not None:
            self.wrong += not right
            self.labelled.append((lot, not right))
        elif self.first_open is None or lot < self.first_open:
            self.first_open = lot

    @property
    def unknown(self) -> int:
        """Number of rows without a label."""
        return self.size - len(self.labelled)

    def checked(self) -> list[bool]:
        """Return for each row of the random check whether it is wrong.

        These are the labelled rows whose lot is lower than that of any row without a label. The rows
        right after a check may be labelled because they look wrong, so only whole checks of
        `PER_LABEL` rows count. A row that a person could not read is one of these, but is left out.
        """
        if self.first_open is None:
            return [wrong for _, wrong in self.labelled]
        seen = [*self.labelled, *((lot, None) for lot in self.unclear)]
        drawn = sorted((pair for pair in seen if pair[0] < self.first_open), key=itemgetter(0))
        count = len(drawn) // PER_LABEL * PER_LABEL or len(drawn)
        return [wrong for _, wrong in drawn[:count] if wrong is not None]


class Strata:
    """Counts of a labels.csv, by status and label.

    Parameters
    ----------
    truths : mapping of str to str
        Right labels by path that are known from a truth.csv.

    Attributes
    ----------
    models : set of str
        The column `model` of the rows: short fingerprints of the models that read them.
    """

    def __init__(self, truths: Mapping[str, str]) -> None:
        self.models: set[str] = set()
        self._truths = truths
        self._strata: dict[tuple[Status, str], _Stratum] = {}

    def counted(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield the rows, and count them."""
        for row in rows:
            self.models.add(row.model)
            if row.status in _READ:
                self._add(row)
            yield row

    def _add(self, row: Row) -> None:
        label = NONE_LABEL if row.status is Status.REJECTED else row.label
        known = right_label(row, self._truths)
        stratum = self._strata.setdefault((row.status, label), _Stratum())
        if row.human == UNCLEAR and not known:
            stratum.unclear.append(lot_of(row))
        else:
            stratum.add(lot_of(row), known == label if known else None)

    def estimate(self) -> Estimate | None:
        """Return the estimate; None if all rows are labelled, or no accepted one was checked."""
        accepted = [s for (status, _), s in self._strata.items() if status is Status.OK]
        doubtful = [s for (status, _), s in self._strata.items() if status is not Status.OK]
        checks = [(stratum, stratum.checked()) for stratum in accepted]
        if not any(check for _, check in checks) or not any(s.unknown for s in self._strata.values()):
            return None
        return _estimate(doubtful, checks)


def _estimate(doubtful: list[_Stratum], checks: list[tuple[_Stratum, list[bool]]]) -> Estimate:
    accepted = sum(stratum.size for stratum, _ in checks)
    found = sum(stratum.wrong for stratum, _ in checks)
    unchecked = sum(stratum.unknown for stratum, check in checks if not check)
    share, size = _weighted(checks)
    known = sum(len(stratum.labelled) for stratum, _ in checks)
    low, high = clopper_pearson(share, size)
    within = (found / accepted, 1 - (known - found) / accepted)
    wrong = Interval(
        _between(share, *within),
        _between(low * (1 - unchecked / accepted), *within),
        _between(high + (1 - high) * unchecked / accepted, *within),
    )
    checked = sum(len(check) for _, check in checks)
    return Estimate(
        accepted + sum(stratum.size for stratum in doubtful),
        _of_all(doubtful, wrong, accepted).of_other(),
        accepted,
        wrong,
        found,
        checked,
        unchecked + sum(stratum.unknown for stratum in doubtful),
        min(_more(share, size, checked), accepted - known),
    )


def _between(share: float, low: float, high: float) -> float:
    """Return the share, limited to the range that agrees with what a person found."""
    return min(max(share, low), high)


def _weighted(checks: list[tuple[_Stratum, list[bool]]]) -> tuple[float, float]:
    """Return the share of wrong rows, each label weighted by its size, and the effective sample size.

    The size is that of a simple random sample with the same variance (Korn and Graubard 1998,
    "Confidence intervals for proportions with small expected number of positive counts estimated from
    survey data"). It is computed from the variance within the labels, and from the weights alone; the
    smaller one is used.
    """
    total = sum(stratum.size for stratum, check in checks if check)
    shares = [(s.size / total, sum(check) / len(check), len(check)) for s, check in checks if check]
    share = sum(weight * wrong for weight, wrong, _ in shares)
    by_weights = 1 / sum(weight**2 / count for weight, _, count in shares)
    within = sum(
        weight**2 * wrong * (1 - wrong) / (count - 1) for weight, wrong, count in shares if count > 1
    )
    by_variance = share * (1 - share) / within if within else by_weights
    return share, min(by_weights, by_variance)


def _of_all(doubtful: list[_Stratum], accepted_wrong: Interval, accepted: int) -> Interval:
    """Return the share of wrong rows among all rows, accepted and doubtful."""
    rows = accepted + sum(stratum.size for stratum in doubtful)
    found = sum(stratum.wrong for stratum in doubtful)
    unknown = sum(stratum.unknown for stratum in doubtful)
    labelled = rows - accepted - unknown
    guess = sum(
        stratum.unknown * (stratum.wrong / len(stratum.labelled))
        if stratum.labelled
        else stratum.unknown * (found / labelled if labelled else 0.5)
        for stratum in doubtful
    )
    return Interval(
        (accepted_wrong.share * accepted + found + guess) / rows,
        (accepted_wrong.low * accepted + found) / rows,
        (accepted_wrong.high * accepted + found + unknown) / rows,
    )


def clopper_pearson(share: float, size: float) -> tuple[float, float]:
    """Return the bounds of the 95 % interval of a share that was found in a sample of this size."""
    from scipy.stats import beta

    wrong = share * size
    low = float(beta.ppf(MISS / 2, wrong, size - wrong + 1)) if wrong else 0.0
    high = float(beta.ppf(1 - MISS / 2, wrong + 1, size - wrong)) if wrong < size else 1.0
    return low, high


def interval_of(count: int, of: int) -> Interval:
    """Return the share `count / of` with its 95 % interval; NaN, from 0 to 1, if `of` is 0."""
    if not of:
        return Interval(float("nan"), 0.0, 1.0)
    return Interval(count / of, *clopper_pearson(count / of, of))


def _more(share: float, size: float, checked: int) -> int:
    """Return how many more labels halve the interval if the same share of them is wrong."""
    low, high = clopper_pearson(share, size)
    few, many = 1.0, 8.0  # eight times the labels always more than halve it
    for _ in range(20):
        times = (few + many) / 2
        narrow_low, narrow_high = clopper_pearson(share, size * times)
        if narrow_high - narrow_low > (high - low) / 2:
            few = times
        else:
            many = times
    return ceil((many - 1) * checked)
