"""What is done with signals: they wait, raise, and are raised again where they were lost."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")

BEGIN = """
import os, signal, sys, time
from digitsort.files import signals
from digitsort.files.interrupts import interrupts_wait
def press(number=signal.SIGINT): os.kill(os.getpid(), number); time.sleep(0)
signals.listen()
"""


def said(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", BEGIN + code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_one_that_comes_early_is_raised_when_work_begins() -> None:
    code = """
press(signal.SIGTERM)
print("goes on")
try: signals.begin_work()
except KeyboardInterrupt: print(signals.exit_code())
"""
    assert said(code) == "goes on\n143\n"


def test_pressed_again_it_does_not_disturb_the_cleaning() -> None:
    code = """
signals.begin_work()
try: press()
except KeyboardInterrupt:
    press(); press(signal.SIGHUP)
    print("cleaned", signals.exit_code())
"""
    assert said(code) == "cleaned 130\n"


def test_pressed_again_after_a_while_it_ends_what_hangs(  # whatever has swallowed the first
) -> None:
    code = """
signals.SAME_PRESS_S = 0.1
signals.begin_work()
try: press()
except KeyboardInterrupt: time.sleep(0.2)
try: press()
except KeyboardInterrupt: print("again")
"""
    assert said(code) == "again\n"


def test_after_the_work_it_waits_for_the_end() -> None:
    code = """
signals.begin_work()
signals.end_work()
press()
print(signals.has_come(), signals.exit_code())
"""
    assert said(code) == "True 130\n"


def test_one_that_was_lost_in_a_destructor_is_raised_again() -> None:
    code = """
class Slow:
    def __del__(self): press()
signals.begin_work()
try:
    Slow()
    print("lost")
    time.sleep(20)
except KeyboardInterrupt: print("raised")
"""
    assert said(code) == "lost\nraised\n"


def test_raised_by_a_block_inside_it_is_noted_by_the_outer_one() -> None:
    """Else SIGTERM ends the command with the code of Ctrl-C."""
    code = """
signals.begin_work()
try:
    with interrupts_wait():
        with interrupts_wait(): press(signal.SIGTERM)
        print("never")
except KeyboardInterrupt: print(signals.exit_code())
"""
    assert said(code) == "143\n"


def test_held_back_by_a_block_that_fails_it_is_noted() -> None:
    code = """
signals.begin_work()
try:
    with interrupts_wait():
        press(signal.SIGHUP)
        raise OSError
except OSError: print(signals.exit_code())
"""
    assert said(code) == "129\n"


def test_held_back_by_two_blocks_it_is_raised_after_the_outer_one() -> None:
    code = """
signals.begin_work()
try:
    with interrupts_wait():
        try:
            with interrupts_wait(): press(signal.SIGTERM)
        except KeyboardInterrupt: pass
        print("inner")
    print("never")
except KeyboardInterrupt: print("outer", signals.exit_code())
"""
    assert said(code) == "inner\nouter 143\n"


def test_little_is_imported_before_signals_are_listened_to() -> None:
    """Until then Ctrl-C ends in a traceback, and each further module makes that time longer."""
    code = (
        "import sys; before = set(sys.modules); from digitsort.files import signals; "
        "print(*set(sys.modules) - before)"
    )
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (
        set(run.stdout.split()) & {"pathlib", "shutil", "tempfile", "threading", "typing", "contextlib"}
        == set()
    )
    assert "digitsort.files.signals" in run.stdout
