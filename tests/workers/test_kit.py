"""What goes wrong on a Dask worker is said with its address, and never passes for a lost scheduler."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

import pytest

from digitsort.errors import ClusterError, OutputError
from digitsort.workers import kit
from digitsort.workers.engine import Done
from digitsort.workers.kit import ATTEMPTS, _errors_of, perform_carefully
from digitsort.workers.process import Channel
from digitsort.workers.processes import WorkerDiedError
from tests.workers.faults import UnsendableError, Upper


@pytest.mark.parametrize(
    ("error", "kind"), [(OutputError("full"), OutputError), (OSError(28, "full"), ClusterError)]
)
def test_an_error_names_its_worker(error: Exception, kind: type[Exception]) -> None:
    with (
        pytest.raises(kind, match=r"On the Dask worker at tcp://10\.0\.0\.7:4000: .*full") as caught,
        _errors_of("tcp://10.0.0.7:4000"),
    ):
        raise error
    assert type(caught.value) is kind


class Scripted:
    """A process that answers with one thing, or dies with an exception; its own channel."""

    def __init__(self, answer: object) -> None:
        self.channel = self
        self.has_ended = False
        self._answer = answer

    def send(self, message: object) -> None:
        """Take a batch."""

    def receive(self) -> Any:
        if isinstance(self._answer, EOFError):
            raise self._answer
        return self._answer

    def end(self) -> None:
        self.has_ended = True


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the processes that are started next answer; each is replaced by its process."""
    answers: list[object] = []
    left = iter(range(100))

    def start(module: str) -> Scripted:
        number = next(left)
        answers[number] = process = Scripted(answers[number])
        return process

    monkeypatch.setattr(kit, "start", start)
    return answers


def carefully(items: Sequence[str]) -> Done:
    return perform_carefully(Upper(), lambda _: "given up", items)


@pytest.mark.parametrize("error", [OutputError("no room"), MemoryError(), ZeroDivisionError("x")])
def test_an_error_of_its_process_is_raised_and_no_item_blamed(
    started: list[object], error: Exception
) -> None:
    started.append(error)
    with pytest.raises(type(error)):
        carefully(["a"])
    assert len(started) == 1


def test_a_process_that_died_is_tried_again(started: list[object]) -> None:
    started += [EOFError(), Done(["A"], None)]
    assert carefully(["a"]) == Done(["A"], None)
    assert [process.has_ended for process in started if isinstance(process, Scripted)] == [True, True]


def test_one_that_dies_each_time_is_a_worker_that_died(started: list[object]) -> None:
    started += [EOFError() for _ in range(ATTEMPTS)]
    with pytest.raises(WorkerDiedError):
        carefully(["a"])


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (OutputError("no room"), OutputError, "no room"),
        (MemoryError(), MemoryError, ""),
        (OSError(28, "full"), OSError, "full"),
        (UnsendableError("x"), RuntimeError, "UnsendableError: x"),
    ],
)
def test_the_process_sends_what_stopped_it(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception], words: str
) -> None:
    def no_engine(*_: object) -> None:
        raise error

    ours, theirs = map(Channel.over, socket.socketpair())
    monkeypatch.setattr(kit, "to_parent", lambda: theirs)
    monkeypatch.setattr(kit, "Processes", no_engine)
    ours.send((Upper(), bool, ["a"]))
    kit.main()
    sent = ours.receive()
    ours.close()
    theirs.close()
    assert type(sent) is kind
    assert words in str(sent)
