"""Write cells as CSV: any reader gets them back, and no spreadsheet runs one of them.

Quotes are as in RFC 4180, which Python's `csv` and spreadsheets agree on. A cell that a spreadsheet
could take for a formula gets an apostrophe before it; `unescaped` takes it away again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_FORMULA = re.compile("[ \t\r\n]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
"""Start of a cell that a spreadsheet reads as a formula (OWASP, CSV injection), also full-width."""

_NUMBER = re.compile("[+-]?[0-9]+(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")

_TO_QUOTE = re.compile('[",\r\n]|^\ufeff')
"""A byte order mark at the start of a file would be taken for the file's own, unless quoted."""

_STARTS = frozenset("-=+@' \t")
"""First characters of cells that are looked at one by one."""

_WIDE = re.compile("[\ufeff\uff1d\uff0b\uff0d\uff20]")


def escaped(cell: str) -> str:
    """Return a cell with an apostrophe before it where a spreadsheet could run it.

    One that begins with an apostrophe because somebody escaped it already gets another one, so that
    `unescaped` gives back every cell as it was.
    """
    return f"'{cell}" if _is_formula(cell.lstrip("'")) else cell


def unescaped(cell: str) -> str:
    """Return the cell that `escaped` was given."""
    return cell[1:] if cell.startswith("'") and _is_formula(cell.lstrip("'")) else cell


def _is_formula(cell: str) -> bool:
    """Return whether a spreadsheet could run a cell: a lone sign and a plain number are neither."""
    return len(cell) > 1 and bool(_FORMULA.match(cell)) and not _NUMBER.fullmatch(cell)


def line_of(cells: Sequence[str]) -> str:
    """Return the line of a row, its end included."""
    line = ",".join(cells) + "\n"
    return line if _reads_as(line, len(cells) - 1, 1) else _line(cells)


def lines_of(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the line of each row; faster than one by one."""
    lines = [",".join(row) + "\n" for row in rows]
    return lines if _are_plain("".join(lines), rows) else list(map(_line, rows))


def text_of(rows: Sequence[Sequence[str]]) -> str:
    """Return the lines of rows as one text; faster than one by one."""
    text = "\n".join(map(",".join, rows)) + "\n"
    return text if _are_plain(text, rows) else "".join(map(_line, rows))


def _are_plain(text: str, rows: Sequence[Sequence[str]]) -> bool:
    return _reads_as(text, sum(map(len, rows)) - len(rows), len(rows))


def _reads_as(text: str, commas: int, lines: int) -> bool:
    """Return whether joined cells need no quotes and no apostrophes: with so many commas and lines."""
    return (
        text.count(",") == commas
        and text.count("\n") == lines
        and '"' not in text
        and "\r" not in text
        and commas >= lines  # the line of a single empty cell is no row
        and text[:1] not in _STARTS
        and not ("-" in text and (",-" in text or "\n-" in text))
        and not (" " in text and (", " in text or "\n " in text))
        and not ("=" in text and (",=" in text or "\n=" in text))
        and not ("+" in text and (",+" in text or "\n+" in text))
        and not ("@" in text and (",@" in text or "\n@" in text))
        and not ("'" in text and (",'" in text or "\n'" in text))
        and "\t" not in text
        and (text.isascii() or not _WIDE.search(text))
    )


def _line(cells: Sequence[str]) -> str:
    if len(cells) == 1 and not cells[0]:
        return '""\n'
    return ",".join(map(_cell, cells)) + "\n"


def _cell(cell: str) -> str:
    cell = escaped(cell)
    return f'"{cell.replace(chr(34), 2 * chr(34))}"' if _TO_QUOTE.search(cell) else cell
