"""Every command, ended by every signal at every moment: a sentence, an exit code, and nothing left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from tests.conftest import digit_png, make_tree

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks into /proc"),
]

SCRIPT = "import re\nimport sys\nfrom digitsort.start import main\nsys.exit(main())\n"

COUNT = 600

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
    "verify": "verify before",
    "undo": "undo before",
    "evaluate": "evaluate truth.csv -m MODEL --workers 2 --report a.html",
    "train": "train -d synthetic:5 -o a.pkl",
    "inspect": "inspect scans/3.png -m MODEL",
    "model": "model MODEL --verify",
}

GO_ON = {"classify": ["--resume"], "undo": ["--all"]}


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
    "HUP to the group": Sent(signal.SIGHUP, True),
}


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scans, a table of them, and a folder that they were sorted into."""
    top = tmp_path_factory.mktemp("original")
    make_tree(top / "scans", {f"{n}.png": digit_png(n % 10, example=n // 10 % 9) for n in range(COUNT)})
    rows = "".join(f"scans/{n}.png,{n % 10},ok\n" for n in range(COUNT))
    truth = "".join(f"scans/{n}.png,{n % 10}\n" for n in range(COUNT))
    tables = {"labels.csv": "path,label,status\n" + rows, "truth.csv": "path,label\n" + truth}
    make_tree(top, {**tables, "digitsort": SCRIPT})
    sort = [sys.executable, "digitsort", "sort", "labels.csv", "before", "-q"]
    subprocess.run(sort, cwd=top, check=True)
    return top


class Run:
    """A command at work in a copy of the folder, with folders of its own for what is temporary."""

    def __init__(self, original: Path, top: Path, command: list[str]) -> None:
        self.folder, self.temporary = top / "here", top / "temporary"
        shutil.copytree(original, self.folder)
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

    def listens(self) -> bool:
        """Whether digitsort has begun: before, the signals are Python's own."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
        return bool(int(caught, 16) & 1 << (signal.SIGTERM - 1))

    def left(self) -> list[str]:
        """What should not be there any more: processes of the session, temporary files."""
        files = [*self.temporary.iterdir(), *self.folder.rglob("*.tmp")]
        partial = self.folder / ".a.csv.partial"
        if partial.exists() and not (partial / "run.json").exists():
            files.append(partial)
        return [*map(str, files), *members(self.process.pid)]

    def again(self) -> subprocess.CompletedProcess[str]:
        """The same command once more, as its message or the README says."""
        options = GO_ON.get(self.command[2], [])
        if any((self.folder / name).exists() for name in ("a.csv", "a.html", "a.pkl")):
            options = ["--force"]  # it was published before the signal
        return subprocess.run(
            [*self.command, *options],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )


def members(session: int) -> Iterator[str]:
    """Command lines of the living processes of a session."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            after_name = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(after_name[3]) == session and after_name[0] != "Z":
                yield (folder / "cmdline").read_text()
        except OSError:
            continue  # it ended meanwhile


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("sent", SIGNALS.values(), ids=list(SIGNALS))
def test_at_every_moment(
    original: Path, tmp_path: Path, model_file: Path, name: str, sent: Sent, every_ms: int
) -> None:
    command = [str(model_file) if word == "MODEL" else word for word in COMMANDS[name].split()]
    for number in count(1):
        run = Run(original, tmp_path / str(number), command)
        while run.process.poll() is None and not run.listens():
            time.sleep(0.001)
        time.sleep((number - 1) * every_ms / 1000)
        ended = run.process.poll() is not None
        if not ended:
            sent.send(run.process.pid)
        _, said = run.process.communicate(timeout=120)
        if ended:
            break
        moment = f"{(number - 1) * every_ms} ms: {said}"
        if run.process.returncode == 0:  # at its very end, deaf already
            assert said.count("interrupted") == 0, moment
        else:
            assert run.process.returncode == sent.code, moment
            assert said.count("digitsort: interrupted.") == 1, moment
        assert "Traceback" not in said, moment
        assert "Error" not in said, moment
        assert run.left() == [], moment
        if number % 4 == 0:
            done = run.again()
            undone = name == "undo" and not (run.folder / "before").exists()
            assert done.returncode == 0 or undone, moment + done.stderr
        shutil.rmtree(tmp_path / str(number))
    assert number > 1


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
