"""Fill templates to self-contained HTML files, with all text escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitsort.files.atomic import replacing
from digitsort.review import plots

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

SCRIPTS = {
    "review": ("labels.js", "queues.js", "grid.js", "card.js", "save.js", "keys.js"),
    "report": (),
}
"""Scripts of each page, in order; together they form one function."""

STYLES = {"review": ("style.css", "review.css"), "report": ("style.css",)}

_TEMPLATES = files("digitsort.review") / "templates"


def write_page(path: Path, template: str, *, force: bool, **values: Any) -> None:
    """Write a page atomically, piece by piece, without holding it in memory."""
    with replacing(path, force=force) as file:
        for piece in render(template, **values):
            file.write(piece.encode())


def render(template: str, **values: Any) -> Iterator[str]:
    """Yield a page in pieces."""
    style, script = _style(STYLES[template]), _script(SCRIPTS[template])
    return (
        _environment()
        .get_template(f"{template}.html.jinja")
        .generate(style=style, script=script, policy=_policy(style, script), plots=plots, **values)
    )


def _policy(style: str, script: str) -> str:
    """Return a Content-Security-Policy that allows only this style, this script and data images."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _style(names: Sequence[str]) -> Markup:
    from markupsafe import Markup

    return Markup("").join(_text(name) for name in names)


def _script(names: Sequence[str]) -> Markup:
    """Join the parts to one function, so that none of their names is global."""
    from markupsafe import Markup

    parts = Markup("\n").join(_text(name) for name in names)
    return Markup('"use strict";\n(() => {\n') + parts + Markup("})();\n")


def _text(name: str) -> Markup:
    """Return a file from the templates folder, marked as safe, so that it is not escaped."""
    from markupsafe import Markup

    return Markup((_TEMPLATES / name).read_text(encoding="utf-8"))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("digitsort.review"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
