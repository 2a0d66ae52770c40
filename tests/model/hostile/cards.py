"""Cards that are not as they should be."""

from __future__ import annotations

from typing import Any

from tests.model.hostile.case import Hostile, changed, on_card

HUGE = 2**63
LONG_TEXT = "x" * 1025

WRONG_ENTRIES: dict[str, tuple[Any, ...]] = {
    "recipe": (None, 1, LONG_TEXT),
    "classes": ("014", ["0"], ["0", "0", "4"], [0, 1, 4], [str(i) for i in range(257)]),
    "data": ("digits", [None], ["x"] * 1025, [LONG_TEXT]),
    "counts": ([], {"0": 1.5}, {"0": -1}, {"0": HUGE}, {LONG_TEXT: 1}),
    "seed": (True, 0.5, -1, HUGE),
    "created": (None, 0, LONG_TEXT),
    "versions": ([], {"python": 3}, {"python": LONG_TEXT}),
    "C": (0.0, float("nan"), "10", 1e13),
    "gamma": (0.0, float("inf"), None),
    "support_vectors": (0, -1, 1.0, HUGE),
    "held_out_count": (-1, 1.0, None),
    "held_out_accuracy": (1.5, -0.5, "good"),
    "temperature": (0.0, float("nan"), 1e7),
    "min_confidence": (1.5, -0.1, None),
    "ok_familiarity": (1.5, -0.1, float("nan")),
    "min_familiarity": (1.5, -0.1, True),
    "splits": ([], {"fit": -1}, {"fit": "1"}),
    "folds": (0, -5, 1.0),
    "max_error": (1.5, -0.1, None),
    "certified_accepted": (-1, 1.5, HUGE),
    "certified_errors": (-1, 1.5, None),
    "certified_bound": (1.5, -0.1, "none"),
    "fingerprint": ("abc", None, "z" * 64, "A" * 64),
}

WRONG_CLASS_NAMES = {
    "../../etc": "name of a folder",
    "a/b": "name of a folder",
    "..": "name of a folder",
    ".hidden": "name of a folder",
    "_uncertain": "name of a folder",
    "": "name of a folder",
    " 7": "name of a folder",
    "7\n8": "name of a folder",
    "\x1b[2J": "name of a folder",
    "C:": "name of a folder",
    "x" * 256: "name of a folder",
    "x" * 65: "more than 64 characters",
    '=HYPERLINK("x")': "name of a folder",
    "=1+1": "a formula",
    "@SUM(A1)": "a formula",
    "\uff1d1": "a formula",
}


def cards() -> dict[str, Hostile]:
    """Cards that are not as they should be."""
    found = {
        f"card: {name} is {str(value)[:40]!a}": Hostile(on_card(**{name: value}), f"{name} is not what")
        for name, values in WRONG_ENTRIES.items()
        for value in values
    }
    for name, says in WRONG_CLASS_NAMES.items():
        found[f"class {name[:70]!a}"] = Hostile(on_card(classes=["0", "1", name]), says)
    return found | {
        "an entry too few": Hostile(
            lambda good: changed(good, lambda m: m.card_.pop("seed")), "entries that it should"
        ),
        "an entry too many": Hostile(on_card(more=1), "entries that it should"),
        "another recipe": Hostile(on_card(recipe="moments-99/1"), "recipe moments-99/1"),
        "a recipe with an escape": Hostile(on_card(recipe="\x1b[2J"), r"recipe \\x1b\[2J"),
    }
