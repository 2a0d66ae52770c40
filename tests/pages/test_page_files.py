"""All pages of a file are read, or get a reason."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitsort.images.limits import DEFAULT_LIMITS, Limits
from digitsort.pages import page_files
from digitsort.pages.page_files import leaves_of

pytest.importorskip("pypdfium2")


def page(level: int, size: tuple[int, int] = (700, 600)) -> Image.Image:
    return Image.new("L", size, level)


def found(path: Path, limits: Limits = DEFAULT_LIMITS) -> list[tuple[int, object]]:
    """Each page's number, with its gray level or the reason."""
    leaves = leaves_of(str(path), limits)
    return [(n.number, n.reason if n.gray is None else int(np.median(n.gray))) for n in leaves]


@pytest.mark.parametrize("name", ["p.png", "p.jpg", "p.tif", "p.bmp"])
def test_pictures_keep_their_resolution(tmp_path: Path, name: str) -> None:
    page(200, (1300, 600)).save(tmp_path / name)
    (leaf,) = leaves_of(str(tmp_path / name), DEFAULT_LIMITS)
    assert leaf.gray is not None
    assert leaf.gray.shape == (600, 1300)
    assert len(leaf.sha256) == 64


def test_other_modes_become_gray_on_white(tmp_path: Path) -> None:
    Image.new("RGBA", (50, 40), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    Image.fromarray(np.full((40, 50), 65535, np.uint16)).save(tmp_path / "deep.png")
    assert found(tmp_path / "clear.png") == [(1, 255)]
    assert found(tmp_path / "deep.png") == [(1, 255)]


def test_all_pages_of_a_tiff(tmp_path: Path) -> None:
    page(10).save(tmp_path / "p.tif", save_all=True, append_images=[page(20), page(30)])
    assert found(tmp_path / "p.tif") == [(1, 10), (2, 20), (3, 30)]


def test_a_tiff_whose_pages_go_round_ends(tmp_path: Path) -> None:
    content = io.BytesIO()
    page(10, (20, 20)).save(content, "TIFF")
    data = bytearray(content.getvalue())
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    struct.pack_into("<I", data, start + 2 + 12 * count, start)
    (tmp_path / "p.tif").write_bytes(data)
    assert found(tmp_path / "p.tif") == [(1, 10)]


def test_too_many_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_files, "MOST_PAGES", 2)
    page(10).save(tmp_path / "p.tif", save_all=True, append_images=[page(20), page(30)])
    page(255).save(tmp_path / "p.pdf", save_all=True, append_images=[page(255), page(255)])
    assert found(tmp_path / "p.tif")[2:] == [(3, page_files.TOO_MANY_PAGES)]
    assert found(tmp_path / "p.pdf")[2:] == [(3, page_files.TOO_MANY_PAGES)]


def test_pages_of_a_pdf(tmp_path: Path) -> None:
    page(255).save(tmp_path / "p.pdf", save_all=True, append_images=[page(0)], resolution=300)
    assert found(tmp_path / "p.pdf") == [(1, 255), (2, 0)]


def test_limits_hold_for_each_page(tmp_path: Path) -> None:
    page(10).save(tmp_path / "p.tif", save_all=True, append_images=[page(20, (30, 30))])
    page(10).save(tmp_path / "p.pdf", resolution=300)
    limits = Limits(pixels=10_000)
    assert found(tmp_path / "p.tif", limits) == [(1, limits.too_many_pixels), (2, 20)]
    assert found(tmp_path / "p.pdf", limits) == [(1, limits.too_many_pixels)]


def test_what_can_not_be_read_has_a_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing follows")
    (tmp_path / "broken.tif").write_bytes(b"II*\0\xff\xff\xff\xff")
    assert found(tmp_path / "empty.png") == [(0, "empty file")]
    assert found(tmp_path / "text.png") == [(1, "not a supported image")]
    assert found(tmp_path / "broken.pdf") == [(0, page_files.BROKEN_PDF)]
    assert found(tmp_path / "broken.tif") == [(0, "broken image")]
    assert found(tmp_path / "missing.png") == [(0, "file not found")]


ENCRYPTED = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    b"3 0 obj<</Filter/Standard/V 1/R 2/P -4/O<" + b"61" * 32 + b">/U<" + b"62" * 32 + b">>>endobj\n"
    b"trailer<</Root 1 0 R/Encrypt 3 0 R/ID[<00><00>]>>\n%%EOF"
)


def test_an_encrypted_pdf_says_so(tmp_path: Path) -> None:
    (tmp_path / "p.pdf").write_bytes(ENCRYPTED)
    assert found(tmp_path / "p.pdf") == [(0, page_files.ENCRYPTED)]
