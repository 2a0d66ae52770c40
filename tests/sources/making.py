"""Make archives: good ones by the standard library, and others byte by byte."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

Members = Mapping[str, bytes]


def make_zip(path: Path, members: Members, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def make_tar(path: Path, members: Members, form: int = tarfile.PAX_FORMAT) -> Path:
    """Make a tar, compressed if its name says so."""
    data = tar_bytes(members, form)
    if path.name.endswith((".gz", ".tgz")):
        import gzip

        data = gzip.compress(data)
    elif path.name.endswith((".zst", ".tzst")):
        import zstandard

        data = zstandard.compress(data)
    path.write_bytes(data)
    return path


def tar_bytes(members: Members, form: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mtime = 1_700_000_000
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def make_archive(path: Path, members: Members) -> Path:
    """Make an archive of the kind that its name says."""
    return make_zip(path, members) if path.suffix == ".zip" else make_tar(path, members)


def tar_header(name: bytes, size: int, kind: bytes = b"0", **fields: bytes) -> bytes:
    """Return one header of a tar, with a checksum that fits."""
    header = bytearray(512)
    header[: min(len(name), 100)] = name[:100]
    header[100:108] = b"0000644\0"
    header[124:136] = b"%011o\0" % size if size < 8**11 else b"\x80" + size.to_bytes(11)
    header[136:148] = b"%011o\0" % 1_700_000_000
    header[156:157] = kind
    header[157 : 157 + len(fields.get("link", b""))] = fields.get("link", b"")
    header[257:265] = fields.get("magic", b"ustar\x0000")
    return with_checksum(bytes(header))


def with_checksum(header: bytes) -> bytes:
    blank = header[:148] + b" " * 8 + header[156:]
    return header[:148] + b"%06o\0 " % sum(blank) + header[156:]


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def changed(data: bytes, change: Callable[[bytearray], object]) -> bytes:
    found = bytearray(data)
    change(found)
    return bytes(found)
