"""The Dockerfile: it is whole, and digitsort works as it starts it, without a Docker engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()

STAGE = re.compile(r"FROM \S+( AS \w+)?")


def instructions() -> list[tuple[str, str]]:
    """Instructions and their arguments, long lines joined."""
    joined = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", DOCKERFILE))
    pairs = (line.split(maxsplit=1) for line in joined.splitlines() if line.strip())
    return [(name, " ".join(rest.split())) for name, rest in pairs]


def test_every_file_that_is_copied_is_in_the_context() -> None:
    """.dockerignore leaves out all but these; each is in the repository."""
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    copied = [
        word
        for name, rest in instructions()
        if name == "COPY" and not rest.startswith("--from")
        for word in rest.split()[:-1]
    ]
    assert {f"!{word}" for word in copied} == {line for line in ignored if line.startswith("!")}
    assert all((REPOSITORY / word).exists() for word in copied)


def test_what_the_wheel_needs_is_copied() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    copied = " ".join(rest for name, rest in instructions() if name == "COPY").split()
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {project["project"]["readme"], *project["project"]["license-files"], *wheel} <= set(copied)
    (extras,) = [rest.partition("=")[2] for name, rest in instructions() if rest.startswith("EXTRAS=")]
    assert set(extras.split(",")) == set(project["project"]["optional-dependencies"]) - {"docs", "test"}


def test_the_last_stage_is_not_root_and_starts_digitsort() -> None:
    last = max(n for n, (name, _) in enumerate(instructions()) if name == "FROM")
    stage = dict(instructions()[last:])
    assert stage["USER"] == "10001:10001"
    assert stage["ENTRYPOINT"] == '["digitsort"]'
    assert stage["VOLUME"] == "/state"
    assert "DIGITSORT_STATE=/state" in stage["ENV"]


BOX = r"""
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir -m 1777 /mnt/scans /mnt/out /mnt/state
mount --bind "$1" /mnt/scans
if [ -n "$2" ]; then
    mkdir /mnt/python
    mount --bind "$3" /mnt/python
    mount -t tmpfs -o mode=755 tmpfs "$2"
    mkdir -p "$3"
    mount --bind /mnt/python "$3"
fi
shift 3
mount --bind / /
mount -o remount,ro,bind /
mount -t tmpfs -o mode=1777 tmpfs /tmp
cd /mnt/out
exec setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs env -i \
    PATH=/usr/bin DIGITSORT_STATE=/mnt/state "$@"
"""
"""Run a command as the container does: the root file system is read-only, HOME is not set. A folder
above Python that other users cannot enter, such as /root, is replaced by one with Python alone."""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs root, on Linux")
def test_a_stranger_on_a_read_only_system_can_work() -> None:
    python = Path(sys.executable)
    base = Path(sys.base_prefix).resolve()
    closed = next((str(p) for p in reversed(base.parents) if not p.stat().st_mode & 1), "")
    if any(not p.stat().st_mode & 1 for p in (*python.parents, *(REPOSITORY / "digitsort").parents)):
        pytest.skip("other users cannot enter the repository")
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-m", "true"]).returncode:
        pytest.skip("no mount namespaces here")
    program = "from digitsort.start import main; main()"
    digitsort = f'{python} -P -c "import sys; sys.path.append(sys.argv.pop(1)); {program}" {REPOSITORY}'
    commands = [
        f"{digitsort} classify /mnt/scans --workers 2 -q",
        f"{digitsort} sort labels.csv sorted -q",
        f"{digitsort} watch /mnt/scans watched --once -q",
        f"{digitsort} undo sorted -q",
        f"{digitsort} verify watched -q",
        f"! {digitsort} classify /mnt/scans -o /mnt/labels.csv",
    ]
    script = "set -e\n" + "\n".join(commands)
    box = ["unshare", "-m", "bash", "-c", BOX, "box"]
    done = subprocess.run(
        [*box, REPOSITORY / "sample_images", closed, base, "bash", "-c", script],
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert "/mnt/labels.csv can't be written: Permission denied" in done.stderr
    assert "Traceback" not in done.stderr
