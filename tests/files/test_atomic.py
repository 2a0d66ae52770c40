"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from digitsort.errors import ExitCode, OutputError
from digitsort.files.atomic import publish_new, refuse_existing, replacing
from tests.conftest import Link, make_tree, read_tree

posix_modes = pytest.mark.skipif(os.name != "posix", reason="no POSIX file modes here")


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "labels.csv"
    with replacing(path, force=False) as file:
        file.write(b"row\n")
        file.flush()
        assert not path.exists()
    assert read_tree(tmp_path / "new") == {"labels.csv": b"row\n"}


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("error", [ValueError("bad row"), KeyboardInterrupt()])
def test_an_error_leaves_all_as_it_was(tmp_path: Path, force: bool, error: BaseException) -> None:
    before = {"labels.csv": b"old"} if force else {}
    make_tree(tmp_path, before)
    with pytest.raises(type(error)), replacing(tmp_path / "labels.csv", force=force) as file:  # noqa: PT012
        file.write(b"half")
        raise error
    assert before == read_tree(tmp_path)


def test_an_existing_file_is_replaced_with_force_only(tmp_path: Path) -> None:
    path = make_tree(tmp_path, {"labels.csv": b"a person's work"}) / "labels.csv"
    with pytest.raises(OutputError, match="--force"), replacing(path, force=False):
        pytest.fail("nothing should be written")
    assert path.read_bytes() == b"a person's work"
    with replacing(path, force=True) as file:
        file.write(b"new")
    assert read_tree(tmp_path) == {"labels.csv": b"new"}


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    with pytest.raises(OutputError) as caught, replacing(path, force=False) as file:  # noqa: PT012
        file.write(b"mine")
        path.write_bytes(b"another run's")
    assert caught.value.exit_code is ExitCode.OUTPUT
    assert read_tree(tmp_path) == {"labels.csv": b"another run's"}


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_is_never_replaced(tmp_path: Path, force: bool) -> None:
    make_tree(tmp_path, {"labels.csv": {"inside": b"x"}})
    with pytest.raises(OutputError, match="is a folder"):
        refuse_existing(tmp_path / "labels.csv", force=force)


@pytest.mark.parametrize("force", [False, True])
def test_a_link_that_leads_nowhere_is_not_written_through(tmp_path: Path, force: bool) -> None:
    make_tree(tmp_path, {"labels.csv": Link("nowhere")})
    with pytest.raises(OutputError, match="is a link to nowhere"):
        refuse_existing(tmp_path / "labels.csv", force=force)


@posix_modes
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_mode_is_what_the_umask_leaves(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        with replacing(tmp_path / "labels.csv", force=False) as file:
            file.write(b"row\n")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert mode == stat.S_IMODE((tmp_path / "labels.csv").stat().st_mode)


@posix_modes
@pytest.mark.parametrize("mode", [0o600, 0o664])
def test_a_replaced_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    """A table that only its owner could read stays so, and one that a group may change too."""
    path = make_tree(tmp_path, {"labels.csv": b"old"}) / "labels.csv"
    path.chmod(mode)
    with replacing(path, force=True) as file:
        file.write(b"row\n")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"row\n", mode)


@pytest.mark.parametrize(
    ("tree", "name", "said"),
    [
        ({"file": b"x"}, "file/labels.csv", "Not a directory"),
        ({}, "x" * 300 + "/labels.csv", "too long"),
        ({"link": Link("link")}, "link/labels.csv", "Not a directory"),
    ],
    ids=["folder is a file", "name too long", "link in a circle"],
)
def test_where_nothing_can_be_written_the_message_says_so(
    tmp_path: Path, tree: dict[str, Any], name: str, said: str
) -> None:
    make_tree(tmp_path, tree)
    with pytest.raises(OutputError, match=said), replacing(tmp_path / name, force=False):
        pytest.fail("nothing should be written")
    assert tree == read_tree(tmp_path)


def test_a_folder_without_permission_is_an_output_error(unprivileged: Path) -> None:
    unprivileged.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied") as caught:  # noqa: SIM117
        with replacing(unprivileged / "labels.csv", force=False):
            pytest.fail("nothing should be written")
    assert caught.value.exit_code is ExitCode.OUTPUT
    assert os.listdir(unprivileged) == []


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file can grow beyond 64 KiB, as on a full disk."""
    resource = pytest.importorskip("resource", reason="no limits on file sizes here")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("size", [2**16 + 1, 2**20])
@pytest.mark.usefixtures("small_disk")
def test_a_full_disk_is_an_output_error_and_leaves_nothing(tmp_path: Path, size: int) -> None:
    """Whether the disk is full at a write or only when what was kept back is written at the end."""
    with pytest.raises(OutputError, match="can't be written: File too large"):  # noqa: PT012, SIM117
        with replacing(tmp_path / "labels.csv", force=False) as file:
            for _ in range(size // 2**10 + 1):
                file.write(b"x" * 2**10)
    assert read_tree(tmp_path) == {}


def test_publish_gives_a_finished_file_its_name(tmp_path: Path) -> None:
    make_tree(tmp_path, {"temporary": b"x"})
    publish_new(tmp_path / "temporary", tmp_path / "final")
    assert read_tree(tmp_path) == {"final": b"x"}


@pytest.fixture
def no_hard_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system such as FAT."""

    def link(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)


@pytest.mark.usefixtures("no_hard_links")
def test_publish_works_without_hard_links(tmp_path: Path) -> None:
    make_tree(tmp_path, {"temporary": b"x"})
    os.utime(tmp_path / "temporary", (1, 1))
    publish_new(tmp_path / "temporary", tmp_path / "final")
    assert read_tree(tmp_path) == {"final": b"x"}
    assert (tmp_path / "final").stat().st_mtime == 1


def _publish_onto_another(folder: Path) -> None:
    make_tree(folder, {"temporary": b"x", "final": b"another"})
    with pytest.raises(FileExistsError):
        publish_new(folder / "temporary", folder / "final")
    assert read_tree(folder) == {"temporary": b"x", "final": b"another"}


def test_publish_never_replaces(tmp_path: Path) -> None:
    _publish_onto_another(tmp_path)


@pytest.mark.usefixtures("no_hard_links")
def test_publish_never_replaces_without_hard_links(tmp_path: Path) -> None:
    _publish_onto_another(tmp_path)


@pytest.mark.usefixtures("no_hard_links")
def test_publish_leaves_no_half_file_where_the_disk_is_full(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="no limits on file sizes here")
    make_tree(tmp_path, {"temporary": b"x" * 2**17})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            publish_new(tmp_path / "temporary", tmp_path / "final")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert os.listdir(tmp_path) == ["temporary"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_what_is_no_file_is_never_replaced(tmp_path: Path) -> None:
    """A device or pipe named as output, even with force: a message, and it is still there."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OutputError, match="-o -"), replacing(pipe, force=True):
        pass
    assert pipe.is_fifo()


def test_what_a_link_leads_to_is_not_replaced(tmp_path: Path) -> None:
    """A stranger's folder may hold a link to any file of the user."""
    tree = {"real.csv": b"old", "link.csv": Link("real.csv")}
    make_tree(tmp_path, tree)
    with pytest.raises(OutputError, match="is a link"), replacing(tmp_path / "link.csv", force=True):
        pass
    assert read_tree(tmp_path) == tree


def test_a_link_that_appears_meanwhile_is_replaced_itself(tmp_path: Path) -> None:
    make_tree(tmp_path, {"real.csv": b"old"})
    with replacing(tmp_path / "out.csv", force=True) as file:
        file.write(b"new")
        (tmp_path / "out.csv").symlink_to("real.csv")
    assert read_tree(tmp_path) == {"real.csv": b"old", "out.csv": b"new"}
