"""`train` learns the single digits of numbers that a person labelled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from digitsort.images.limits import DEFAULT_LIMITS
from digitsort.training.labelled import NOT_CUT, datasets_of, find_labelled
from tests.classification.test_numbers import printed


def test_each_digit_of_a_number_is_an_example(tmp_path: Path) -> None:
    rows = []
    for name, label, model in (
        ("a", "1984", "m+number"),
        ("b", "23", "m+number"),
        ("c", "_none", "m+number"),
        ("d", "7", "m"),
    ):
        Image.fromarray(printed("273" if name == "c" else label if name != "b" else "2")).save(
            tmp_path / f"{name}.png"
        )
        rows.append(f"{name}.png,5,ok,,{model},{label}\n")
    (tmp_path / "labels.csv").write_text("path,label,status,reason,model,human\n" + "".join(rows))
    found = find_labelled(str(tmp_path / "labels.csv"), None)
    assert found is not None
    (dataset,) = datasets_of(found, "labels.csv", trust_machine=False, limits=DEFAULT_LIMITS)
    examples = list(dataset.load())
    assert [label for _, label in examples] == ["1", "4", "7", "8", "9"]
    assert dataset.count == 5
    assert found.left == {NOT_CUT: 2}
    widths = [np.asarray(gray).shape[1] for gray, _ in examples]
    assert max(widths) < printed("1984").shape[1] / 2
    assert f"2 left out: {NOT_CUT}" in dataset.note
