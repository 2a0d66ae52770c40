"""Define the command `digitsort inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from digitsort.classification.inspect import Inspection, inspect_file
from digitsort.cli import options
from digitsort.cli.console import open_model, warn
from digitsort.cli.errors import reports_errors
from digitsort.errors import ExitCode
from digitsort.files.names import printable
from digitsort.images.discover import check_sources
from digitsort.images.read import UnreadableError


@reports_errors
def inspect(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE", help="Image files.")],
    model: options.Model = None,
    only_labels: options.OnlyLabels = None,
    max_pixels: options.MaxPixels = None,
    max_side: options.MaxSide = None,
    max_bytes: options.MaxBytes = None,
    quiet: options.Quiet = False,  # noqa: ARG001  every command takes it
) -> ExitCode:
    """Show what the model sees in an image, its three best guesses, and why it decided so."""
    paths = check_sources(images)
    limits = options.limits(max_pixels, max_side, max_bytes)
    found = open_model(model)
    labels = options.labels(only_labels, found.class_names)
    code = ExitCode.DONE
    for path in paths:
        try:
            _print(inspect_file(path, found, limits, labels))
        except UnreadableError as error:
            warn(f"{path}: {error}.")
            code = ExitCode.SOME_FAILED
    return code


def _print(seen: Inspection) -> None:
    typer.echo(printable(seen.path))
    lines = _half_blocks(seen.normal)
    facts = _facts(seen)
    for index in range(max(len(lines), len(facts))):
        left = lines[index] if index < len(lines) else " " * len(lines[0])
        right = facts[index] if index < len(facts) else ""
        typer.echo(f"  {left}  {right}".rstrip())


def _facts(seen: Inspection) -> list[str]:
    verdict = seen.verdict
    left, top, right, bottom = seen.box
    facts = [
        f"size      {seen.width} x {seen.height} px",
        f"ink       {'light on dark' if seen.light_on_dark else 'dark on light'}",
        f"contrast  {seen.contrast:.0f} of 255 gray levels",
        f"box       {left:.0f},{top:.0f} to {right:.0f},{bottom:.0f}",
        f"parts     {seen.parts}, covering {seen.share:.0%} of the area examined",
        *([f"read      {seen.way}"] if seen.way else []),
        "",
        *(f"{'guess' if i == 0 else '':9} {n}  {p:.4f}" for i, (n, p) in enumerate(seen.guesses)),
        "",
        f"status    {verdict.status.value}" + (f": {verdict.reason}" if verdict.reason else ""),
    ]
    if seen.guesses:
        facts.append(f"ok needs  confidence {seen.min_confidence:.4f}")
        facts.append(
            f"          familiarity {seen.ok_familiarity:.2f} (this one {verdict.familiarity:.2f})"
        )
    return facts + ([f"note      {seen.note}"] if seen.note else [])


_SHADES = " ░▒▓█"


def _half_blocks(normal: npt.NDArray[np.uint8]) -> list[str]:
    """Draw (32, 32) pixels as 16 lines of 32 shades: a character is twice as high as wide."""
    pairs = normal.reshape(len(normal) // 2, 2, -1).astype(np.float32).mean(axis=1)
    levels = np.minimum(pairs / 256 * len(_SHADES), len(_SHADES) - 1).astype(int)
    return ["".join(_SHADES[level] for level in row) for row in levels]
