"""Every command, ended by every signal at every moment: a sentence, an exit code, and nothing left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, count
from pathlib import Path

import pytest

from digitsort import Mode, SortOptions, apply_plan, plan_sort, read_labels
from tests.conftest import digit_png, make_tree, png, run_digitsort
from tests.pages_forms import form

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks into /proc"),
]

SCRIPT = "import re\nimport sys\nfrom digitsort.start import main\nsys.exit(main())\n"

COUNT = 600

PAGES = 2

HUMAN = "5"
"""What a person wrote beside every row of a table that `--update` rewrites."""

COMMANDS = {
    "help": "--help",
    "classify in line": "classify scans -o a.csv -m MODEL --workers 0",
    "classify, 2 workers": "classify scans -o a.csv -m MODEL --workers 2",
    "classify on Dask": "classify scans -o a.csv -m MODEL --dask local --workers 2",
    "review": "review labels.csv -o a.html",
    "review, workers": "review labels.csv -o a.html --workers 2",
    "sort": "sort labels.csv sorted",
    "sort --move": "sort labels.csv sorted --move",
    "sort a folder": "sort scans sorted -m MODEL --workers 2",
    "verify": "verify copied",
    "undo": "undo copied",
    "undo of a move": "undo moved",
    "evaluate": "evaluate truth.csv -m MODEL --workers 2 --report a.html",
    "train": "train -d synthetic:5 -o a.pkl",
    "inspect": "inspect scans/3.png -m MODEL",
    "model": "model MODEL --verify",
    "classify --update": "classify scans -o labelled.csv -m MODEL --workers 2 --update",
    "cut": "cut pages cells --preview",
    "cut, 2 workers": "cut pages cells --preview --workers 2",
    "table": "table labels.csv --cells cells.csv -o a.csv",
    "watch": "watch scans watched -m MODEL --settle 0 --once",
    "watch --move": "watch scans watched -m MODEL --settle 0 --once --move",
}

SORTED = {"copied": Mode.COPY, "moved": Mode.MOVE}
"""Folders that the scans are sorted into before the command begins, in the place where it runs: `undo`
takes back only what was sorted there."""

LONG = ("classify on Dask", "train")
"""Commands that take many seconds: after the first `DENSE_MS` fewer moments are tried."""

DENSE_MS, FEWER = 1500, 5

LAST_MS = 1000
"""Of a long command, the time before its end in which as many moments are tried as at its beginning."""

AGAIN_EVERY_MS = 240
"""Between two moments after which the command is run once more."""

GO_ON = {"classify": ["--resume"], "cut": ["--resume"], "undo": ["--all"]}


@dataclass(frozen=True)
class Sent:
    """A signal, to the process or to its group, and the exit code that belongs to it."""

    number: int
    to_group: bool

    @property
    def code(self) -> int:
        return 128 + self.number

    def send(self, pid: int) -> None:
        (os.killpg if self.to_group else os.kill)(pid, self.number)


SIGNALS = {
    "INT": Sent(signal.SIGINT, False),
    "INT to the group": Sent(signal.SIGINT, True),
    "TERM": Sent(signal.SIGTERM, False),
    "TERM to the group": Sent(signal.SIGTERM, True),
    "HUP": Sent(signal.SIGHUP, False),
    "HUP to the group": Sent(signal.SIGHUP, True),
}


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory, model_file: Path) -> Path:
    """Scans, and tables of them; pages, and a table of half of the scans by the model."""
    top = tmp_path_factory.mktemp("original")
    scans = {f"{n}.png": digit_png(n % 10, example=n // 10 % 9) for n in range(COUNT)}
    make_tree(top / "scans", scans)
    hashes = [sha256(content).hexdigest() for content in scans.values()]
    rows = "".join(f"scans/{n}.png,{n % 10},ok,{hashes[n]}\n" for n in range(COUNT))
    truth = "".join(f"scans/{n}.png,{n % 10}\n" for n in range(COUNT))
    tables = {"labels.csv": "path,label,status,sha256\n" + rows, "truth.csv": "path,label\n" + truth}
    make_tree(top / "pages", {f"{n}.png": png(form()) for n in range(PAGES)})
    make_tree(top, {**tables, "cells.csv": _cells(), "digitsort": SCRIPT})
    half = [top / "scans" / f"{n}.png" for n in range(0, COUNT, 2)]
    made = run_digitsort("classify", *half, "-o", top / "labelled.csv", "-m", model_file, "-q")
    assert made.returncode == 0, made.stderr
    header, *labelled = (top / "labelled.csv").read_text().splitlines()
    lines = [f"{header},human", *(f"{row},{HUMAN}" for row in labelled)]
    (top / "labelled.csv").write_text("\n".join(lines) + "\n")
    return top


def _cells() -> str:
    rows = (f"scans/{n}.png,page.png,1,1,{n // 20 + 1},{n % 20 + 1},cell" for n in range(COUNT))
    return "\n".join(["path,source,page,block,row,column,kind", *rows]) + "\n"


def prepare(folder: Path, original: Path, command: Sequence[str]) -> None:
    """Make the folder that a command works in; of the scans, links will do where they are not moved."""
    is_moved = "--move" in command or "moved" in command
    shutil.copytree(original, folder, copy_function=shutil.copy2 if is_moved else os.link)
    for name in SORTED.keys() & set(command):
        rows = list(read_labels(folder / "labels.csv"))
        apply_plan(plan_sort(rows, folder / name, SortOptions(SORTED[name])))


class Run:
    """A command at work in a folder of its own, with another one for what is temporary."""

    def __init__(self, original: Path, top: Path, command: list[str]) -> None:
        self.folder, self.temporary = top / "here", top / "temporary"
        prepare(self.folder, original, command)
        self.temporary.mkdir()
        self.command = [sys.executable, "digitsort", *command]
        self.environment = {**os.environ, "TMPDIR": str(self.temporary)}
        self.process = subprocess.Popen(
            self.command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )

    def wait_until_it_listens(self) -> None:
        """Wait until digitsort has begun: before, the signals are Python's own."""
        while self.process.poll() is None and not self.listens():
            time.sleep(0.003)

    def listens(self) -> bool:
        """Whether digitsort has begun: before, the signals are Python's own."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
        return bool(int(caught, 16) & 1 << (signal.SIGTERM - 1))

    def wait(self, milliseconds: int) -> bool:
        """Wait for a moment of the command's own time; return False if it ends before.

        That is what it computes, and waits for other things than a processor: on a busy machine it has
        as many moments as on a quiet one.
        """
        clock, seen = 0.0, (time.monotonic(), 0.0)
        while (left := milliseconds / 1000 - clock) > 0:
            time.sleep(max(left / 2, 0.002))
            if self.process.poll() is not None:
                return False
            is_waiting, computed = work_of(self.process.pid)
            now = time.monotonic(), computed
            waited, worked = (a - b for a, b in zip(now, seen, strict=True))
            clock += max(worked, waited if is_waiting else 0)
            seen = now
        return self.process.poll() is None

    def left(self) -> list[str]:
        """What should not be there any more: processes of the session, temporary files."""
        files = [*self.temporary.iterdir(), *self.folder.rglob("*.tmp")]
        partials = self.folder.glob(".*.partial")
        files += [partial for partial in partials if not (partial / "run.json").exists()]
        return [*map(str, files), *members(self.process.pid)]

    def lost(self) -> set[str]:
        """Names of scans that are nowhere any more, or a person's labels."""
        found = {path.name for path in self.folder.rglob("*.png")}
        table = (self.folder / "labelled.csv").read_text()
        written = table.count(f",{HUMAN}\n")
        return {f"{n}.png" for n in range(COUNT)} - found | {
            f"label {n}" for n in range(written, COUNT // 2)
        }

    def again(self) -> subprocess.CompletedProcess[str]:
        """The same command once more, as its message or the README says."""
        options = GO_ON.get(self.command[2], [])
        if "--update" in self.command:
            options = []
        elif any((self.folder / name).exists() for name in ("a.csv", "a.html", "a.pkl")):
            options = ["--force"]  # it was published before the signal
        return subprocess.run(
            [*self.command, *options],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )


def work_of(session: int) -> tuple[bool, float]:
    """Return whether all processes of a session wait, and their CPU seconds."""
    is_waiting, seconds = True, 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            after_name = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(after_name[3]) == session:
                is_waiting &= after_name[0] != "R"
                tasks = (folder / "task").glob("*/schedstat")
                seconds += sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
        except OSError:
            continue  # it ended meanwhile
    return is_waiting, seconds


def members(session: int) -> Iterator[str]:
    """Command lines of the living processes of a session."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            after_name = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(after_name[3]) == session and after_name[0] != "Z":
                yield (folder / "cmdline").read_text()
        except OSError:
            continue  # it ended meanwhile


def moments(name: str, every_ms: int, ends: Sequence[int]) -> Iterator[int]:
    """Yield milliseconds after its beginning at which a command gets a signal.

    `ends` has the moments that came after the end of the command.
    """
    moment = 0
    for moment in chain(
        range(0, DENSE_MS, every_ms), count(DENSE_MS, FEWER * every_ms if name in LONG else every_ms)
    ):
        if ends:
            break
        yield moment
    if name in LONG:
        yield from range(max(DENSE_MS, moment - LAST_MS), moment, every_ms)


def faults(run: Run, said: str, sent: Sent) -> list[str]:
    """What is wrong with a command that was ended by a signal, or came to its end in spite of it."""
    found = [f"left: {name}" for name in run.left()]
    found += [f"nowhere: {name}" for name in run.lost()]
    found += [word for word in ("Traceback", "Error") if word in said]
    code, sentences = run.process.returncode, said.count("digitsort: interrupted.")
    if (code, sentences) not in ((sent.code, 1), (0, 0)):  # 0: at its very end, deaf already
        found.append(f"exit code {code}, interrupted {sentences} times")
    return found


def faults_again(run: Run) -> list[str]:
    """What is wrong with the same command once more."""
    done = run.again()
    is_undone = run.command[2] == "undo" and not (run.folder / run.command[3]).exists()
    is_cut = run.command[2] == "cut" and "already exists" in done.stderr  # before the signal
    return [] if done.returncode == 0 or is_undone or is_cut else [f"again: {done.stderr}"]


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("sent", SIGNALS.values(), ids=list(SIGNALS))
def test_at_every_moment(
    original: Path,
    tmp_path: Path,
    model_file: Path,
    name: str,
    sent: Sent,
    every_ms: int,
) -> None:
    command = [str(model_file) if word == "MODEL" else word for word in COMMANDS[name].split()]
    failed, tried, interrupted, again = list[str](), 0, 0, 0
    ends: list[int] = []
    for moment in moments(name, every_ms, ends):
        run = Run(original, tmp_path / "run", command)
        run.wait_until_it_listens()
        ended = not run.wait(moment)
        if not ended:
            sent.send(run.process.pid)
        _, said = run.process.communicate(timeout=300)
        if ended:
            ends.append(moment)
            shutil.rmtree(tmp_path / "run")
            continue
        found = faults(run, said, sent)
        tried += 1
        interrupted += run.process.returncode == sent.code
        if moment % AGAIN_EVERY_MS < every_ms:
            again += 1
            found += faults_again(run)
        if found:
            failed.append(f"{moment} ms: {found} {said}")
            print(failed[-1])
        shutil.rmtree(tmp_path / "run")
    print(
        f"{tried} moments until {min(ends)} ms, {interrupted} interrupted, {again} run again, "
        f"{len(failed)} failed"
    )
    assert interrupted > 0
    assert failed == []


def test_a_signal_that_was_ignored_from_the_beginning_stays_so(original: Path, tmp_path: Path) -> None:
    """As under nohup."""
    shutil.copytree(original, tmp_path / "here")
    command = [sys.executable, "digitsort", "sort", "labels.csv", "sorted", "-q"]
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = subprocess.Popen(command, cwd=tmp_path / "here")
    finally:
        signal.signal(signal.SIGHUP, before)
    while process.poll() is None:
        process.send_signal(signal.SIGHUP)
        time.sleep(0.01)
    assert process.returncode == 0
