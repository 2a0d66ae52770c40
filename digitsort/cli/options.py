"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[
    Path | None,
    typer.Option("--model", "-m", metavar="FILE", help="Model file; by default the default model."),
]
MinConfidence = Annotated[
    float | None,
    typer.Option(
        "--min-confidence",
        metavar="P",
        help="Labels less sure than this (0-1) are uncertain; by default the model's own threshold.",
    ),
]
FollowLinks = Annotated[
    bool, typer.Option("--follow-links", help="Enter folders that are symbolic links.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")]
Corrections = Annotated[
    Path | None,
    typer.Option(
        "--corrections",
        metavar="FILE",
        help="A corrections.csv from the page of `digitsort review`: a person's labels win.",
    ),
]
