"""All hostile files."""

from __future__ import annotations

from tests.model.hostile.arrays import arrays
from tests.model.hostile.attributes import attributes
from tests.model.hostile.bombs import bombs
from tests.model.hostile.calls import calls, opcodes
from tests.model.hostile.cards import cards
from tests.model.hostile.case import Hostile
from tests.model.hostile.machines import machines
from tests.model.hostile.streams import streams, wrappings


def hostile_files() -> dict[str, Hostile]:
    """All of them, by name."""
    groups = (
        calls(),
        opcodes(),
        wrappings(),
        streams(),
        bombs(),
        arrays(),
        machines(),
        attributes(),
        cards(),
    )
    found = {name: case for group in groups for name, case in group.items()}
    assert len(found) == sum(map(len, groups)), "two cases have one name"
    return found
