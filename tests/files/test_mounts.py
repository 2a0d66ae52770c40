"""What the system's list of mounts says of a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from digitsort.files.places import mount_of, parts_elsewhere


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "mountinfo"
    path.write_text(
        "20 1 8:1 / / rw,noatime shared:1 - ext4 /dev/a rw\n"
        "21 20 8:2 /home /srv rw - xfs /dev/b rw\n"
        "22 20 0:5 / /srv\\040a rw - nfs4 server:/x rw\n"
        "23 22 0:6 / /srv\\040a/b rw shared:7 master:2 - fuse.sshfs x rw\n"
        "24 20 8:2 /home/sorted/3 /in/view rw - xfs /dev/b rw\n"
        "25 20 8:2 /home/sorted2 /in/other rw - xfs /dev/b rw\n"
        "26 20 8:1 /home/sorted/3 /in/of\\040another rw - ext4 /dev/a rw\n"
        "27 21 8:1 /scans /srv/sorted/4 rw - ext4 /dev/a rw\n"
        "28 20 8:2 / /whole rw - xfs /dev/b rw\n"
        "29 20 8:2 /home/sorted /dest rw - xfs /dev/b rw\n"
    )
    return path


def test_a_path_is_on_the_last_mount_above_it(table: Path) -> None:
    kinds = [
        mount.kind for p in ("/srv", "/srv a/c", "/srv a/b", "/x") if (mount := mount_of(p, table))
    ]
    assert kinds == ["xfs", "nfs4", "fuse.sshfs", "ext4"]


def test_parts_of_a_folder_are_found_at_other_places(table: Path) -> None:
    """What is mounted in it counts too. A mount of a folder above leads to the folder itself."""
    everywhere = ["/in/view", "/srv/sorted/4", "/dest"]
    assert parts_elsewhere("/srv/sorted", table) == everywhere
    assert parts_elsewhere("/whole/home/sorted", table) == ["/in/view", "/dest"]
    assert parts_elsewhere("/dest", table) == ["/in/view", "/dest"]


def test_parts_are_found_in_a_changed_root_whose_mount_is_not_listed(tmp_path: Path) -> None:
    device = tmp_path.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    table = tmp_path / "mountinfo"
    table.write_text(
        f"20 1 {number} /jail{tmp_path}/3 /in/view rw - ext4 /dev/a rw\n"
        f"21 1 {number} /jail{tmp_path}3 /in/other rw - ext4 /dev/a rw\n"
        f"22 1 0:999 /jail{tmp_path}/3 /in/of\\040another rw - ext4 /dev/b rw\n"
    )
    assert parts_elsewhere(str(tmp_path), table) == ["/in/view"]


def test_a_system_without_a_list_has_no_mounts(tmp_path: Path) -> None:
    assert mount_of("/", tmp_path / "none") is None
    assert parts_elsewhere("/", tmp_path / "none") == []
