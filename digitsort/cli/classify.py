"""`digitsort classify`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitsort.cli import options
from digitsort.cli.errors import reports_errors
from digitsort.errors import ExitCode, NothingToDoError
from digitsort.records import Outcome

if TYPE_CHECKING:
    from digitsort.labels import Format, Layout


@reports_errors
def classify(
    sources: Annotated[
        list[Path] | None, typer.Argument(metavar="[SOURCE...]", help="Files and folders.")
    ] = None,
    files_from: Annotated[
        Path | None,
        typer.Option(
            "--files-from",
            metavar="FILE",
            help="Read more sources from a file, one a line; - is stdin.",
        ),
    ] = None,
    files_from0: Annotated[
        Path | None,
        typer.Option(
            "--files-from0", metavar="FILE", help="The same, separated by NUL, as find -print0 does."
        ),
    ] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="The result; - is stdout.")
    ] = "labels.csv",
    model: options.Model = None,
    min_confidence: options.MinConfidence = None,
    form: Annotated[
        str,
        typer.Option("--format", metavar="csv|jsonl", help="One row or one JSON object a file."),
    ] = "csv",
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Add the probability of every class.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing result.")] = False,
    follow_links: options.FollowLinks = False,
    max_pixels: options.MaxPixels = None,
    max_side: options.MaxSide = None,
    max_bytes: options.MaxBytes = None,
    quiet: options.Quiet = False,
) -> ExitCode:
    """Label every picture in files and folders: one row a file, into labels.csv."""
    from digitsort.classify import Settings, classify_files
    from digitsort.cli.console import counted, open_model
    from digitsort.cli.summary import print_summary
    from digitsort.files.atomic import refuse_existing
    from digitsort.files.discover import Walk, check_sources
    from digitsort.files.names import folder_of
    from digitsort.labels import Layout
    from digitsort.summary import Summary

    limits = options.limits(max_pixels, max_side, max_bytes)
    settings = Settings(min_confidence, probabilities, limits)
    listed = [*_listed(files_from, b"\n"), *_listed(files_from0, b"\0")]
    walk = Walk(check_sources(_some([*(sources or ()), *listed])), follow_links)
    chosen = _format(form)
    if output != "-":
        refuse_existing(Path(output), force=force)
    found = open_model(model, quiet=quiet)
    layout = Layout(folder_of(output), found.card.short, found.class_names if probabilities else ())
    summary = Summary()
    outcomes = classify_files(summary.found(walk.files()), found, settings)
    with counted(summary.counted(outcomes), walk, quiet=quiet) as rows:
        _write(rows, output, layout, chosen, force)
    summary.close()
    print_summary(summary, walk, None if output == "-" else output, form=chosen, quiet=quiet)
    return summary.exit_code(walk)


def _listed(file: Path | None, separator: bytes) -> list[str]:
    from digitsort.files.names import read_list

    return [] if file is None else read_list(file, separator)


def _some(sources: list[Path | str]) -> list[Path | str]:
    from digitsort.errors import UsageError

    if not sources:
        raise UsageError("Nothing to classify: name a file or folder, or --files-from FILE.")
    return sources


def _format(form: str) -> Format:
    from digitsort.errors import UsageError

    if form == "csv":
        return "csv"
    if form == "jsonl":
        return "jsonl"
    raise UsageError(f"{form!r} is no format: say --format csv or --format jsonl.")


def _write(outcomes: Iterable[Outcome], output: str, layout: Layout, form: Format, force: bool) -> None:
    from digitsort.labels import LabelsWriter, labels_file

    outcomes = _at_least_one(outcomes)
    if output == "-":
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
        writer = LabelsWriter(sys.stdout, layout, form)
        for outcome in outcomes:
            writer.write(outcome)
        return
    with labels_file(Path(output), layout, form=form, force=force) as writer:
        for outcome in outcomes:
            writer.write(outcome)


def _at_least_one(outcomes: Iterable[Outcome]) -> Iterable[Outcome]:
    """Raise NothingToDoError, and so publish nothing, where there are no images."""
    empty = True
    for outcome in outcomes:
        empty = False
        yield outcome
    if empty:
        raise NothingToDoError(
            "No images found. digitsort reads PNG, JPEG, TIFF, BMP, GIF and WebP files, in a folder "
            "and its sub-folders, by their extension."
        )
