"""When cycles are looked for."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from digitsort.workers.tuning import garbage_waits


class Node:
    """Something that can refer to itself."""

    itself: Node


@pytest.fixture
def _thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("_thawed")
def test_what_is_made_while_garbage_waits_is_not_looked_through_later() -> None:
    with garbage_waits():
        assert not gc.isenabled()
        node = Node()
        node.itself = node
        gone = weakref.ref(node)
    assert gc.isenabled()
    del node
    gc.collect()
    assert gone() is not None
    gc.unfreeze()
    gc.collect()
    assert gone() is None


@pytest.mark.usefixtures("_thawed")
def test_who_has_switched_it_off_finds_it_off() -> None:
    gc.disable()
    try:
        with garbage_waits():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
