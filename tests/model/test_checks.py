"""No check of the reader is superfluous: without it, two hostile files and more get further."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import digitsort.model
from digitsort.errors import ModelError
from digitsort.model import card, checking, inert_pickle
from digitsort.model.reading import parse_model
from tests.model.hostile.bombs import BOMBS
from tests.model.hostile.case import good_model
from tests.model.hostile.collection import hostile_files

READER = ("inert_pickle", "checking", "card", "reading")


def modules() -> list[ModuleType]:
    return [import_module(f"digitsort.model.{name}") for name in READER]


def places() -> list[tuple[ModuleType, int, str]]:
    """Every place where the reader requires something: module, line, what is said."""
    return [
        (module, call.lineno, ast.unparse(call.args[1]))
        for module in modules()
        for call in _calls(Path(str(module.__file__)).read_text(encoding="utf-8"))
    ]


def _calls(source: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "require":
            yield node


@contextmanager
def without_requirement(module: ModuleType, line: int) -> Iterator[None]:
    """Take one requirement out."""
    require: Callable[[bool, str], None] = module.require

    def forgetful(condition: bool, otherwise: str) -> None:
        if sys._getframe(1).f_lineno != line:
            require(condition, otherwise)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "require", forgetful)
        yield


@contextmanager
def with_entry(table: dict[str, Any], name: str, value: Any) -> Iterator[None]:
    """Change one entry of a table of checks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(table, name, value)
        yield


def failing(files: dict[str, tuple[bytes, str]]) -> list[str]:
    """The files that are not refused any more as they should be."""
    return [name for name, (data, says) in files.items() if not _is_refused(data, says)]


def _is_refused(data: bytes, says: str) -> bool:
    try:
        parse_model(data)
    except ModelError as error:
        return re.search(says, str(error)) is not None
    except Exception:  # noqa: BLE001
        return False  # a reader without a check may raise anything
    return False


@pytest.mark.slow
def test_each_check_is_needed_by_two_hostile_files(capsys: pytest.CaptureFixture[str]) -> None:
    """Each requirement is taken out in turn, and each entry of the card's schema."""
    good = good_model()
    cases = hostile_files() | {name: case for name, case in BOMBS.items() if "too large" in name}
    files = {name: (case.make(good), case.says) for name, case in cases.items()}
    assert failing(files) == []
    lines, needless = [], []
    for check, removed in _removals():
        with removed:
            found = failing(files)
        lines.append(f"{len(found):4}  {check}  ({'; '.join(found[:2])})")
        if len(found) < 2:
            needless.append(lines[-1])
    with capsys.disabled():
        print(f"\nhostile files that get further without a check ({len(lines)} checks):")
        print("\n".join(lines))
    assert needless == []


def _removals() -> Iterator[tuple[str, Any]]:
    for module, line, says in places():
        if "LIKENESS_ATTRIBUTE" in says:
            continue  # the good model has none: test_likeness_in_file has hostile ones
        name = f"{module.__name__.removeprefix(digitsort.model.__name__ + '.')}:{line} {says}"
        yield name, without_requirement(module, line)
    for entry in card.CHECKS:
        yield f"card: {entry}", with_entry(card.CHECKS, entry, lambda _: True)


def test_the_places_are_found() -> None:
    """So that the test above can't pass over a module for want of a name."""
    counts = dict.fromkeys(modules(), 0)
    for module, _, _ in places():
        counts[module] += 1
    assert all(counts.values())
    assert {checking, inert_pickle} <= set(counts)
