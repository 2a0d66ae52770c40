"""Every field of true models changed in every way we know; what is accepted is loaded by plain Python.

Arguments: seed, count. Tries so many mutants, drawn by the seed; all of them if there are no more.
"""

from __future__ import annotations

import random
import sys

from digitsort.errors import ModelError
from digitsort.model.reading import parse_model
from tests.fuzz.leaves import emit, mutants, read_tree, replaced
from tests.fuzz.plain import PlainPython
from tests.fuzz.report import Report
from tests.model.hostile.case import good_model, good_pair


def main(seed: int, count: int) -> None:
    """Try mutants of a model of three classes, or with an odd seed of two."""
    good = (good_model, good_pair)[seed % 2]()
    tree, report, plain = read_tree(good), Report(), PlainPython()
    assert parse_model(emit(tree)).card == parse_model(good).card
    every = list(mutants(tree))
    random.Random(seed).shuffle(every)
    for path, other in every[:count]:
        mutant = emit(replaced(tree, path, other))
        with report.timed():
            outcome = _read(mutant)
        if outcome == "accepted":
            plain.ask(f"{path}: {str(other)[:60]!r}", mutant)
        report.outcomes[outcome] = report.outcomes.get(outcome, 0) + 1
    plain.finish()
    report.outcomes |= plain.counts
    report.bad = plain.bad[:40]
    report.finish()


def _read(mutant: bytes) -> str:
    try:
        parse_model(mutant)
    except ModelError:
        return "refused"
    return "accepted"


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
