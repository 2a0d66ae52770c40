"""Define the options that several commands share, and how help shows them."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from digitsort.errors import ExitCode, UsageError
from digitsort.files.atomic import refuse_existing
from digitsort.files.names import printable
from digitsort.files.regular import head_of
from digitsort.images.limits import (
    DEFAULT_LIMITS,
    MAGIC_BYTES,
    Limits,
    begins_as_picture,
    has_picture_suffix,
)

FEW_OPTIONS = 8
"""Largest number of options that are listed without sections."""

SECTIONS: Mapping[str, str] = {
    option: section
    for section, options in {
        "Input": "files_from files_from0 data exclude truth root follow_links any_name archives",
        "Rows": "only limit everything",
        "Delivery": "copy move link keep_folders accept_uncertain on_conflict folder_per_number "
        "sidecars dry_run",
        "Recognition": "model min_confidence only_labels adapt cells number length",
        "Labels from a person": "corrections new_class trust_machine",
        "Training": "tune seed held_out certify max_error",
        "Output": "output form probabilities report as_json show resume update force",
        "Waiting": "settle poll once",
        "Running": "workers dask quiet help",
    }.items()
    for option in options.split()
}
"""Section of each option in the help of a command with more than `FEW_OPTIONS`."""

_NO_VALUE = re.compile("--[a-z0-9-]+=")
"""An option with an empty value."""

_VALUES: Mapping[str, str] = {
    "int_parsing": "a whole number",
    "int_parsing_size": "a shorter whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
}
"""Valid values for an option, by the kind of error that pydantic reports."""


class PlainCommand(TyperCommand):
    """Command whose help has sections, and shows `--force`, not `--force <bool>`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters; Typer asks here for those that help shows."""
        parameters = list(map(_plain, super().get_params(ctx)))
        options = [each for each in parameters if isinstance(each, TyperOption)]
        if len(options) > FEW_OPTIONS:
            for option in options:
                option.rich_help_panel = option.rich_help_panel or SECTIONS.get(str(option.name))
        return parameters

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse empty arguments: a variable of the shell that is not set would name this folder."""
        if any(word == "" or _NO_VALUE.fullmatch(word) for word in args):
            ctx.fail("An argument is empty. Is a variable of your shell not set?")
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ARG002 - as Typer calls it
        """Return the words after the command's name in the usage line."""
        return ["[OPTIONS]", *(_usage(each) for each in self.params if isinstance(each, TyperArgument))]


class PlainGroup(TyperGroup):
    """Group whose help shows its own options and the list of commands in the same way."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters; Typer asks here for those that help shows."""
        return list(map(_plain, super().get_params(ctx)))

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line, and exit; print a usage error like any other error."""
        if not extra.setdefault("standalone_mode", True):
            return super().main(*args, **extra)
        extra["standalone_mode"] = False
        try:
            code = super().main(*args, **extra)
        except Exception as error:
            # Typer comes with its own copy of click, or without: its errors have no importable name.
            if not hasattr(error, "format_message"):
                raise
            if said := _sentence(error):
                typer.echo(said, err=True)
            code = getattr(error, "exit_code", ExitCode.USAGE)
        raise SystemExit(code)


def _plain(parameter: Any) -> Any:
    """Return the parameter without the name of its Python type."""
    if isinstance(parameter, TyperOption) and parameter.is_flag:
        parameter.metavar = ""
    elif isinstance(parameter, TyperArgument):
        setattr(parameter, "display_type_rich", lambda **_: "")  # noqa: B010 - mypy: a method
    return parameter


def _usage(argument: TyperArgument) -> str:
    name = str(argument.metavar or argument.name).strip("[].") + "..." * (argument.nargs != 1)
    return name if argument.required else f"[{name}]"


def _sentence(error: Any) -> str:
    """Return the line for a usage error; empty if the help was shown instead of an error."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return ""
    said = _wrong_value(error) or str(error.format_message())
    if possible := getattr(error, "possibilities", None):
        said = f"{error.message}. Did you mean {' or '.join(sorted(possible))}?"
    said = said.replace("Got unexpected extra argument(s)", "Too many arguments:")
    said += "" if said.endswith((".", "?")) else "."
    command = error.ctx.command_path if getattr(error, "ctx", None) is not None else "digitsort"
    return f"digitsort: {said} See {command} --help."


def _wrong_value(error: Any) -> str:
    """Return which values an option takes, and which it got; empty for another error."""
    details = getattr(error.__cause__, "errors", None)
    if details is None or getattr(error, "param", None) is None:
        return ""
    fault = details()[0]
    wanted = _VALUES.get(fault["type"])
    if wanted is None:
        return ""
    name = max(error.param.opts, key=len)
    return f"{name} must be {wanted.format(**fault.get('ctx', {}))}, got {fault['input']}."


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
Archives = Annotated[
    bool,
    typer.Option(
        "--archives",
        help="Read the pictures in archives in folders too: .zip, .tar, .tar.gz, .tar.zst.",
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="PATTERN",
        help="Leave out files and folders whose name matches; repeatable: 'old*'.",
    ),
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
    return Limits(
        pixels=max_pixels or DEFAULT_LIMITS.pixels,
        side_px=max_side or DEFAULT_LIMITS.side_px,
        file_bytes=max_bytes or DEFAULT_LIMITS.file_bytes,
    )


def refuse_output(
    output: Path, *, force: bool, inputs: Iterable[str | os.PathLike[str] | None] = ()
) -> None:
    """Do what `refuse_existing` does; pictures count as inputs, so that no output ever replaces one."""
    pictures = [output] if _is_picture(output) else []
    refuse_existing(output, force=force, inputs=[*inputs, *pictures])


OTHER_TABLES = frozenset(".db .feather .json .jsonl .ndjson .ods .parquet .tsv .xls .xlsx".split())
"""Extensions of tables other than CSV: a CSV with such a name does not open in the program for it."""


def refuse_other_format(output: str, written: Collection[str]) -> None:
    """Raise UsageError if a name promises a table of a format that is not written.

    Parameters
    ----------
    written : collection of str
        Extensions of the formats that are written, besides CSV.
    """
    suffix = os.path.splitext(output)[1].lower()
    if suffix in OTHER_TABLES.difference(written):
        names = ", ".join((".csv", *written))
        raise UsageError(
            f"{printable(output)}: this command writes no {suffix} file. Choose a name with one of "
            f"{names}."
        )


def _is_picture(path: Path) -> bool:
    if has_picture_suffix(path.name):
        return True
    try:
        return begins_as_picture(head_of(path, MAGIC_BYTES))
    except OSError:
        return False


def patterns(exclude: Sequence[str] | None) -> tuple[str, ...]:
    """Return the patterns of `--exclude`.

    Raises
    ------
    UsageError
        If one is no pattern for a name: it would match nothing, and nothing would be left out.
    """
    for pattern in exclude or ():
        name = os.path.basename(pattern.rstrip("/" + os.sep))
        if pattern in ("", os.curdir, os.pardir) or name != pattern:
            example = f" Did you mean --exclude {shlex.quote(printable(name))}?" if name else ""
            raise UsageError(
                "--exclude takes the name of a file or folder, or a pattern such as 'old*', no path: "
                f"got {printable(pattern)!r}.{example}"
            )
    return tuple(exclude or ())


def labels(text: str | None, classes: Sequence[str]) -> tuple[str, ...] | None:
    """Return the labels that `--only-labels` allows, in the model's order; None for all."""
    if text is None:
        return None
    from digitsort.classification.settings import parse_labels  # help needs none of what it loads

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
