"""The same digit gets the same label, however the file stores it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from digitsort import Model, Status, classify_files
from tests.conftest import digit_image, encoded, png
from tests.images.hostile import chunk

Write = Callable[[Image.Image], bytes]


def with_chunk(kind: bytes, data: bytes) -> Write:
    """A PNG file with a further chunk behind its header."""
    return lambda image: png(image)[:33] + chunk(kind, data) + png(image)[33:]


def with_gamma(gamma: float) -> Write:
    """Levels as a file of this gamma stores them, and the gAMA chunk that says so."""

    def write(image: Image.Image) -> bytes:
        levels = (np.asarray(image) / 255) ** (gamma * 2.2)
        stored = Image.fromarray(np.rint(levels * 255).astype(np.uint8))
        return with_chunk(b"gAMA", struct.pack(">I", round(gamma * 100_000)))(stored)

    return write


def interlaced(image: Image.Image) -> bytes:
    """A PNG file in the seven passes of Adam7 (PNG specification, 8.2)."""
    pixels = np.asarray(image)
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2)]
    rows = b"".join(
        b"\0" + row.tobytes()
        for x, y, dx, dy in [*passes, (0, 1, 1, 2)]
        for row in pixels[y::dy, x::dx]
    )
    header = struct.pack(">IIBBBBB", image.width, image.height, 8, 0, 0, 0, 1)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"IEND", b""),
        )
    )


def turned(orientation: int, form: str, **options: Any) -> Write:
    """A file whose pixels lie so that this EXIF orientation brings them upright."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation

    def write(image: Image.Image) -> bytes:
        lying = image.transpose(undo[orientation]) if orientation in undo else image
        return encoded(lying, form, exif=exif, **options)

    return write


def with_alpha(image: Image.Image, mode: str, ink: int, paper: int) -> Image.Image:
    """Opaque ink on paper that is not seen."""
    alpha = ImageOps.invert(image)
    flat = Image.new("L", image.size, paper)
    flat.paste(ink, mask=alpha.point(lambda level: 255 * (level > 0)))
    flat = flat.convert(mode[:-1])
    flat.putalpha(alpha)
    return flat


def deep(image: Image.Image, full: int, dtype: str) -> Image.Image:
    levels = np.asarray(image, np.float64) / 255
    return Image.fromarray(np.rint(levels * full).astype(dtype))


def colored(image: Image.Image, ink: str, paper: str) -> Image.Image:
    return ImageOps.colorize(image, ink, paper)


def profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


TWINS: dict[str, Write] = {
    "1-bit PNG": lambda i: png(i.point(lambda level: 255 * (level > 127)).convert("1")),
    "2-bit palette": lambda i: encoded(i.quantize(4), "PNG", bits=2),
    "4-bit palette": lambda i: encoded(i.quantize(16), "PNG", bits=4),
    "8-bit palette": lambda i: png(i.convert("P")),
    "palette with transparency": lambda i: encoded(i.quantize(16), "PNG", transparency=0),
    "gray with a transparent level": lambda i: encoded(i, "PNG", transparency=255),
    "RGB": lambda i: png(i.convert("RGB")),
    "RGBA, black on nothing": lambda i: png(with_alpha(i, "RGBA", 0, 0)),
    "RGBA, black on white that is not seen": lambda i: png(with_alpha(i, "RGBA", 0, 255)),
    "RGBA, white on nothing": lambda i: png(with_alpha(i, "RGBA", 255, 255)),
    "gray with alpha": lambda i: png(with_alpha(i, "LA", 0, 0)),
    "gray with alpha, white on nothing": lambda i: png(with_alpha(i, "LA", 255, 0)),
    "16-bit PNG": lambda i: png(deep(i, 65535, "u2")),
    "12 bits in 16": lambda i: png(deep(i, 4095, "u2")),
    "16-bit TIFF": lambda i: encoded(deep(i, 65535, "u2"), "TIFF"),
    "32-bit TIFF": lambda i: encoded(deep(i, 2**31 - 1, "i4"), "TIFF"),
    "float TIFF": lambda i: encoded(deep(i, 1000, "f4"), "TIFF"),
    "CMYK TIFF": lambda i: encoded(i.convert("CMYK"), "TIFF"),
    "CMYK JPEG": lambda i: encoded(i.convert("CMYK"), "JPEG", quality=90),
    "YCbCr JPEG": lambda i: encoded(i.convert("RGB"), "JPEG", quality=90, subsampling=2),
    "gray JPEG": lambda i: encoded(i, "JPEG", quality=90),
    "progressive JPEG": lambda i: encoded(i, "JPEG", quality=90, progressive=True),
    "LAB TIFF": lambda i: encoded(Image.merge("LAB", (i, *2 * (Image.new("L", i.size, 128),))), "TIFF"),
    "fax TIFF": lambda i: encoded(
        i.point(lambda level: 255 * (level > 127)).convert("1"), "TIFF", compression="group4"
    ),
    "LZW TIFF": lambda i: encoded(i, "TIFF", compression="tiff_lzw"),
    "JPEG in TIFF": lambda i: encoded(i.convert("RGB"), "TIFF", compression="jpeg"),
    "BMP": lambda i: encoded(i, "BMP"),
    "GIF": lambda i: encoded(i, "GIF"),
    "WebP": lambda i: encoded(i.convert("RGB"), "WEBP", quality=90),
    "lossless WebP with alpha": lambda i: encoded(with_alpha(i, "RGBA", 0, 0), "WEBP", lossless=True),
    "interlaced": interlaced,
    "light on dark": lambda i: png(ImageOps.invert(i)),
    "blue on yellow": lambda i: png(colored(i, "#0020a0", "#fff0a0")),
    "red on white": lambda i: png(colored(i, "#d01010", "#ffffff")),
    "white on green": lambda i: png(colored(i, "#ffffff", "#106020")),
    "gamma 1.0": with_gamma(1.0),
    "gamma 0.45": with_gamma(0.45455),
    "gamma 0.2": with_gamma(0.2),
    "sRGB chunk": with_chunk(b"sRGB", b"\0"),
    "chromaticities": with_chunk(b"cHRM", struct.pack(">8I", *range(1, 80_001, 10_000))),
    "color profile in PNG": lambda i: encoded(i.convert("RGB"), "PNG", icc_profile=profile()),
    "color profile in JPEG": lambda i: encoded(
        i.convert("RGB"), "JPEG", icc_profile=profile(), quality=90
    ),
    "color profile in TIFF": lambda i: encoded(i.convert("RGB"), "TIFF", icc_profile=profile()),
    "color profile in WebP": lambda i: encoded(
        i.convert("RGB"), "WEBP", icc_profile=profile(), lossless=True
    ),
    "color profile that is none": lambda i: encoded(i, "PNG", icc_profile=b"junk"),
    **{f"PNG turned {o}": turned(o, "PNG") for o in range(1, 9)},
    **{f"JPEG turned {o}": turned(o, "JPEG", quality=90) for o in range(1, 9)},
    **{f"TIFF turned {o}": turned(o, "TIFF") for o in range(1, 9)},
    **{f"WebP turned {o}": turned(o, "WEBP", lossless=True) for o in range(1, 9)},
}


@pytest.mark.parametrize("name", TWINS)
def test_a_twin_has_the_same_label(tmp_path: Path, model: Model, name: str) -> None:
    """Ten digits, each as a plain gray PNG and as its twin."""
    originals: list[str] = []
    twins: list[str] = []
    for digit in range(10):
        image = digit_image(digit, example=2)
        for kind, write, paths in (("a", png, originals), ("b", TWINS[name], twins)):
            path = tmp_path / f"{digit}{kind}"
            path.write_bytes(write(image))
            paths.append(str(path))
    expected = list(classify_files(originals, model))
    assert [o.label for o in expected] == list("0123456789")
    found = list(classify_files(twins, model))
    assert [o.label for o in expected] == [o.label for o in found]
    assert {o.status for o in found} <= {Status.OK, Status.UNCERTAIN}
