"""Define the options that several commands share, and how help shows them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

if TYPE_CHECKING:
    from digitsort.images.limits import Limits


class PlainCommand(TyperCommand):
    """Command whose help shows `--force`, not `--force <bool>`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters; Typer asks here for those that help shows."""
        return list(map(_plain, super().get_params(ctx)))


class PlainGroup(TyperGroup):
    """Group whose help shows its own options and the list of commands in the same way."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters; Typer asks here for those that help shows."""
        return list(map(_plain, super().get_params(ctx)))


def _plain(parameter: Any) -> Any:
    """Return the parameter without the name of its Python type."""
    if isinstance(parameter, TyperOption) and parameter.is_flag:
        parameter.metavar = ""
    elif isinstance(parameter, TyperArgument):
        setattr(parameter, "display_type_rich", lambda **_: "")  # noqa: B010 - mypy: a method
    return parameter


Model = Annotated[
    Path | None,
    typer.Option("--model", "-m", metavar="FILE", help="Model file; default: the built-in model."),
]
MinConfidence = Annotated[
    float | None,
    typer.Option(
        "--min-confidence",
        metavar="P",
        help="Labels below this confidence (0-1) are uncertain; default: the model's own threshold.",
    ),
]
OnlyLabels = Annotated[
    str | None,
    typer.Option(
        "--only-labels",
        metavar="LABELS",
        help="Give only these labels, such as 1-9 (for a sudoku) or 0,1,7.",
    ),
]
FollowLinks = Annotated[
    bool, typer.Option("--follow-links", help="Enter folders that are symbolic links.")
]
AnyName = Annotated[
    bool,
    typer.Option("--any-name", help="Check the content of every file in a folder, not its extension."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        help="Number of worker processes, 0 for none; default: one per CPU, none for few files.",
    ),
]
Dask = Annotated[
    str | None,
    typer.Option(
        "--dask",
        metavar="ADDRESS",
        help="Use a Dask cluster that sees the files: tcp://HOST:8786; `local` starts one here.",
    ),
]

_LIMITS = "Limits: an image that exceeds one gets status error"

MaxPixels = Annotated[
    int | None,
    typer.Option(
        "--max-pixels",
        metavar="N",
        min=1,
        help="Largest width times height; default: 67108864 (A4 at 800 dpi).",
        rich_help_panel=_LIMITS,
    ),
]
MaxSide = Annotated[
    int | None,
    typer.Option(
        "--max-side",
        metavar="PX",
        min=1,
        help="Largest width or height in pixels; default: 65535.",
        rich_help_panel=_LIMITS,
    ),
]
MaxBytes = Annotated[
    int | None,
    typer.Option(
        "--max-bytes",
        metavar="N",
        min=1,
        help="Largest file size in bytes; default: 268435456 (256 MiB).",
        rich_help_panel=_LIMITS,
    ),
]


def limits(max_pixels: int | None, max_side: int | None, max_bytes: int | None) -> Limits:
    """Return the given limits, with defaults for the others."""
    from digitsort.images.limits import DEFAULT_LIMITS, Limits

    return Limits(
        pixels=max_pixels or DEFAULT_LIMITS.pixels,
        side_px=max_side or DEFAULT_LIMITS.side_px,
        file_bytes=max_bytes or DEFAULT_LIMITS.file_bytes,
    )


def labels(text: str | None, classes: Sequence[str]) -> tuple[str, ...] | None:
    """Return the labels that `--only-labels` allows, in the model's order; None for all."""
    if text is None:
        return None
    from digitsort.classification.only_labels import parse_labels

    return parse_labels(text, classes)


Corrections = Annotated[
    list[Path] | None,
    typer.Option(
        "--corrections",
        metavar="FILE",
        help="CSV saved from the review page; its labels override the model's. Repeatable: the latest "
        "file last.",
    ),
]

NewClasses = Annotated[
    list[str] | None,
    typer.Option(
        "--new-class",
        metavar="NAME",
        help="Accept a person's label that is not a class of the model; repeatable.",
    ),
]
