"""Ctrl-C waits until a file is whole or gone."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from digitsort.files.interrupts import interrupts_wait

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no SIGINT to oneself on Windows")


def test_it_is_raised_when_the_block_is_done_however_often_it_was_pressed() -> None:
    reached = False

    def work() -> None:
        nonlocal reached
        with interrupts_wait():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            reached = True

    with pytest.raises(KeyboardInterrupt):
        work()
    assert reached


def test_the_handler_is_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError), interrupts_wait():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_work_as_they_did() -> None:
    done = []

    def work() -> None:
        with interrupts_wait():
            done.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [1]
