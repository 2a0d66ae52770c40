"""Processes are started in one place, and what holds for all of them."""

from __future__ import annotations

import ast
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import digitsort
from digitsort.workers import process
from digitsort.workers.process import end_all, import_path, start
from tests.conftest import REPOSITORY

needs_posix = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A working folder that everything leads to: the path, PYTHONPATH, empty and relative entries."""
    folder = tmp_path / "stranger"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", ".", "sub", str(REPOSITORY)]))
    monkeypatch.setattr(sys, "path", ["", ".", str(folder), str(tmp_path / "link"), *sys.path])
    return str(folder)


@needs_posix
def test_a_process_and_what_it_starts_have_no_working_folder_on_their_path(stranger: str) -> None:
    child = start("tests.workers.probe")
    path, of_grandchild, _, folder = child.channel.receive()
    child.end()
    assert folder == stranger
    for entry in (*path, *of_grandchild):
        assert os.path.isabs(entry)
        assert not os.path.realpath(entry).startswith(stranger)


def test_a_working_folder_that_holds_digitsort_itself_comes_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = str(Path(digitsort.__file__).parent.parent)
    monkeypatch.chdir(home)
    monkeypatch.setattr(sys, "path", [home, *sys.path])
    assert import_path().index(home) == len(import_path()) - 1


def test_a_working_folder_that_was_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getcwd", lambda: (_ for _ in ()).throw(FileNotFoundError()))
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert "" not in import_path()


@needs_posix
def test_a_process_is_deaf_and_ends_with_its_channel() -> None:
    child = start("tests.workers.probe")
    _, _, blocked, _ = child.channel.receive()
    assert set(blocked) >= {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    for number in blocked:
        os.kill(child._popen.pid, number)
    assert child.is_running()
    child.end()
    assert child._popen.returncode == 3


@needs_posix
def test_all_are_ended_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that does not end by itself."""
    monkeypatch.setattr(process, "PATIENCE_S", 0.2)
    children = [start("tests.workers.probe") for _ in range(2)]
    stuck = start("tests.workers.stuck")
    stuck.channel.receive()
    begun = time.monotonic()
    end_all()
    assert time.monotonic() - begun < 30  # it would sleep for 60 s
    assert not any(child.is_running() for child in [*children, stuck])


MODULES = {
    *("multiprocessing", "subprocess", "_posixsubprocess", "pty", "pexpect", "joblib", "loky"),
    *("asyncio", "concurrent.futures.process", "concurrent.interpreters", "runpy", "webbrowser"),
}
"""Modules that start processes, or run code from where they are told to."""

CALLS = {
    *("fork", "forkpty", "system", "popen", "startfile", "posix_spawn", "posix_spawnp", "n_jobs"),
    *("ProcessPoolExecutor", "LocalCluster", "Nanny", "SubprocessCluster", "run_path", "run_module"),
    *["spawnl", "spawnle", "spawnlp", "spawnlpe", "spawnv", "spawnve", "spawnvp", "spawnvpe"],
    *["execl", "execle", "execlp", "execlpe", "execv", "execve", "execvp", "execvpe"],
}
"""Functions, classes and options that do."""

ALLOWED = {
    ("workers/process.py", "subprocess"),
    ("workers/server.py", "fork"),  # in the server, which process.py has started
    ("workers/cluster.py", "LocalCluster"),  # in a process that process.py has started
    ("start.py", "execv"),  # this process once more, in a locale that can say any name
    ("workers/cluster.py", "asyncio"),  # the name of a logger
    ("cli/review.py", "webbrowser"),  # the user's browser: no Python of ours
    ("labels/parquet.py", "system"),  # the name of a memory pool
}


def names(tree: ast.AST) -> Iterator[str]:
    """Names in a source by which it could start processes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value  # import_module("...")
        elif isinstance(node, ast.keyword):
            yield node.arg or ""


def suspects(source: str) -> set[str]:
    """What in a source starts processes."""
    found = set(names(ast.parse(source)))
    modules = {m for m in MODULES for name in found if name == m or name.startswith(m + ".")}
    return modules | found & CALLS


def test_nothing_else_starts_processes() -> None:
    top = Path(digitsort.__file__).parent
    found = {
        (path.relative_to(top).as_posix(), name)
        for path in top.rglob("*.py")
        for name in suspects(path.read_text(encoding="utf-8"))
    }
    assert found == ALLOWED


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess",
        "import os; os.fork()",
        "from os import fork; fork()",
        "from multiprocessing import get_context",
        "from multiprocessing.connection import Connection",
        "from concurrent.futures import ProcessPoolExecutor",
        "import concurrent.futures as f; f.ProcessPoolExecutor()",
        "from importlib import import_module; import_module('multiprocessing')",
        "distributed.LocalCluster()",
        "SVC(n_jobs=2)",
    ],
)
def test_another_way_would_be_found(source: str) -> None:
    assert suspects(source)
