"""Model files that mean harm are refused, and nothing that they name is imported or called."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from digitsort.errors import ModelError
from digitsort.model.reading import parse_model
from tests.conftest import invoke
from tests.model.hostile.case import call, good_model, good_pair, whole
from tests.model.hostile.collection import hostile_files

HOSTILE = hostile_files()

FORBIDDEN = ("import", "exec", "compile", "open", "os.", "subprocess.", "pickle.", "ctypes.", "socket.")
"""Audit events that no model may cause; PEP 578."""

_heard: list[str] = []
_listening: list[bool] = []


def _hear(event: str, _: object) -> None:
    if _listening and event.startswith(FORBIDDEN):
        _heard.append(event)


@contextmanager
def audited() -> Iterator[list[str]]:
    """Collect the forbidden events of a block."""
    if _hear not in _hooked:
        sys.addaudithook(_hear)  # there is no way to take it off again
        _hooked.append(_hear)
    _heard.clear()
    _listening.append(True)
    try:
        yield _heard
    finally:
        _listening.clear()


_hooked: list[object] = []


def test_the_hook_hears_what_unpickling_would_do() -> None:
    """The payload works, when Python's own unpickler gets it."""
    with audited() as events:
        pickle.loads(whole(call("os", "getenv", "HOME"))(b""))
    assert "pickle.find_class" in events


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_and_do_nothing(name: str) -> None:
    """Each with a message that names what was found; not one import, exec, open or process."""
    case = HOSTILE[name]
    data = case.make(good_model())
    parse_model(good_model())  # whatever numpy loads late is loaded
    with audited() as events, pytest.raises(ModelError, match=case.says):
        parse_model(data)
    assert events == []


def test_the_collection_is_large() -> None:
    assert len(HOSTILE) >= 60


@pytest.mark.parametrize("good", [good_model, good_pair])
def test_a_good_model_does_nothing_either(good: object) -> None:
    data = good()  # type: ignore[operator]
    parse_model(data)
    with audited() as events:
        parse_model(data)
    assert events == []


def test_on_the_command_line_a_hostile_file_is_a_sentence_and_exit_code_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder that it would have made is not there."""
    monkeypatch.chdir(tmp_path)
    trap = tmp_path / "made"
    (tmp_path / "m.pkl").write_bytes(whole(call("os", "mkdir", str(trap)))(b""))
    (tmp_path / "scans").mkdir()
    commands = [["model", "m.pkl"], ["model", "m.pkl", "--verify"]]
    commands += [[name, "scans", "-m", "m.pkl"] for name in ("classify", "evaluate", "inspect")]
    commands += [["sort", "scans", "out", "-m", "m.pkl"]]
    for command in commands:
        done = invoke(*command)
        assert (done.exit_code, done.stdout) == (3, ""), command
        assert "names os.mkdir, which no model does" in done.stderr
    assert not trap.exists()
