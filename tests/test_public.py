"""The public names."""

from __future__ import annotations

import inspect

import digitsort


def test_every_public_name_can_be_imported_and_is_documented() -> None:
    undocumented = [
        name
        for name in digitsort.__all__
        if name != "__version__" and not inspect.getdoc(getattr(digitsort, name))
    ]
    assert undocumented == []
