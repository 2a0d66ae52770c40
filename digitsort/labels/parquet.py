"""Read and write tables as Parquet files, which need pyarrow (the extra `parquet`).

A Parquet file is untrusted binary data for a large library. So a child process reads it, within limits,
and sends the cells; a file that crashes the library, or asks for too much memory, ends only the child.
"""

from __future__ import annotations

import csv
import io
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from digitsort.errors import UsageError
from digitsort.files.disk import READ_NO_WAIT
from digitsort.files.names import printable
from digitsort.labels.table import escaped, unescaped
from digitsort.workers.process import Process, start, to_parent

if TYPE_CHECKING:
    import pyarrow as pa

MAGIC = b"PAR1"
"""First four bytes of a Parquet file."""

SUFFIX = ".parquet"

GROUP_ROWS = 2**18
"""Rows of a row group. Its compressed columns are in memory while it is written: about 10 MB."""

ROWS_AT_ONCE = 4096
"""Rows that are converted, and sent by the child process, together."""

MEMORY_BYTES = 2**30
"""Memory that the child process may use for a file, on Linux."""

MOST_TEXT_BYTES = 2**28
"""Text that any file may contain. A hostile file of 1 KB can claim a billion rows of the same text."""

MOST_TIMES = 100
"""Text that a file may contain beyond this limit, per byte of the file: a labels.csv has 3 to 5."""

MOST_COLUMNS = 2000

SHA256 = "sha256"

_SHARE = re.compile(r"[01]\.[0-9]{4}")
"""A probability as digitsort writes it: a 32-bit float gives back the same text."""

_SHA256 = re.compile("[0-9a-f]{64}")

DAMAGED = "it is damaged, or needs over 1 GiB of memory"


def is_share(column: str) -> bool:
    """Return whether a column holds probabilities."""
    return column in ("confidence", "second_confidence") or column.startswith("p_")


def require_pyarrow(path: object) -> None:
    """Raise UsageError, with the command that installs it, if pyarrow is missing."""
    if find_spec("pyarrow") is None:
        raise UsageError(
            f"{printable(str(path))}: Parquet files need pyarrow, which is not installed: "
            "pip install pyarrow."
        )


class ParquetRows:
    """Iterator over the header and the rows of a Parquet file, as a CSV file would have them.

    Attributes
    ----------
    line_num : int
        Rows read so far, with the header.
    """

    def __init__(self, blocks: Iterable[Sequence[list[str]]]) -> None:
        self.line_num = 0
        self._rows = chain.from_iterable(blocks)

    def __iter__(self) -> Iterator[list[str]]:
        """Return this iterator over the remaining rows."""
        return self

    def __next__(self) -> list[str]:
        """Return the next row."""
        row = next(self._rows)
        self.line_num += 1
        return row


@contextmanager
def opened_parquet(path: Path) -> Iterator[ParquetRows]:
    """Open a Parquet file for reading row by row, in a child process.

    Raises
    ------
    UsageError
        If pyarrow is missing, or, while rows are read, if the file can't be read.
    """
    require_pyarrow(path)
    process = start("digitsort.labels.parquet")
    try:
        process.channel.send(os.path.abspath(path))
        yield ParquetRows(_received(process, path))
    finally:
        process.kill()  # it may wait for somebody to take the rest
        process.end()


def _received(process: Process, path: Path) -> Iterator[Sequence[list[str]]]:
    while True:
        try:
            message = process.channel.receive()
        except (EOFError, OSError):  # it crashed
            message = DAMAGED
        if isinstance(message, str):
            raise UsageError(f"{printable(str(path))} can't be read: {message}.")
        if not message:
            return
        yield message


def write_parquet(rows: IO[bytes], output: IO[bytes], texts: Iterable[str] = ()) -> str:
    """Convert a CSV file as digitsort writes it; stop at a cell that its column's type would change.

    Hashes become 32 bytes, probabilities 32-bit floats, and all else is text. An empty cell is null in
    a column of hashes or probabilities.

    Parameters
    ----------
    rows : binary file
        With a header.
    texts : iterable of str
        Columns to write as text.

    Returns
    -------
    str
        Column to write as text, in another try; empty if the file is complete.
    """
    rows.seek(0)
    text = io.TextIOWrapper(rows, encoding="utf-8", newline="")
    try:
        return _convert(csv.reader(text, strict=True), output, frozenset(texts))
    finally:
        text.detach()


class _InexactError(Exception):
    """Raised for a cell that the type of its column can't hold; the message is the column."""


def _convert(reader: Iterator[list[str]], output: IO[bytes], texts: frozenset[str]) -> str:
    import pyarrow as pa
    from pyarrow import parquet

    columns = [unescaped(name) for name in next(reader)]
    types = [_type_of(name, texts, pa) for name in columns]
    schema = pa.schema(list(zip(columns, types, strict=True)))
    front_coded = [name for name in ("path", "source") if name in columns]
    with parquet.ParquetWriter(
        output,
        schema,
        compression="zstd",
        use_dictionary=[n for n in columns if n not in (*front_coded, SHA256)],
        column_encoding=dict.fromkeys(front_coded, "DELTA_BYTE_ARRAY"),
        write_statistics=front_coded,
    ) as writer:
        try:
            for batches in _groups(_batches(reader, columns, schema)):
                writer.write_table(pa.Table.from_batches(batches, schema), row_group_size=GROUP_ROWS)
        except _InexactError as error:
            return str(error)
    return ""


def _type_of(name: str, texts: frozenset[str], pa: Any) -> pa.DataType:
    if name not in texts and is_share(name):
        return pa.float32()
    return pa.binary(32) if name == SHA256 and name not in texts else pa.string()


def _groups(batches: Iterator[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    while group := list(islice(batches, GROUP_ROWS // ROWS_AT_ONCE)):
        yield group


def _batches(
    reader: Iterator[list[str]], columns: Sequence[str], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    while block := list(islice(reader, ROWS_AT_ONCE)):
        cells = [list(map(unescaped, column)) for column in zip(*block, strict=True)]
        arrays = [
            pa.array(_values(name, column, kind, pa), kind)
            for name, column, kind in zip(columns, cells, schema.types, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _values(name: str, cells: list[str], kind: pa.DataType, pa: Any) -> Sequence[Any]:
    """Return the cells as values of this type; raise _InexactError if one would not come back."""
    if kind == pa.string():
        return cells
    form, value_of = (_SHARE, float) if kind == pa.float32() else (_SHA256, bytes.fromhex)
    if not all(form.fullmatch(cell) for cell in cells if cell):
        raise _InexactError(name)
    return [value_of(cell) if cell else None for cell in cells]


def main() -> None:
    """Send the cells of a Parquet file to the parent process in blocks of rows, the last one empty."""
    channel = to_parent()
    path = channel.receive()
    _limit_memory()
    try:
        for block in _read(path):
            channel.send(block)
        channel.send([])
    except MemoryError:
        channel.send(DAMAGED)
    except _RefusedError as error:
        channel.send(str(error))
    except BrokenPipeError:
        pass  # the parent has what it needs
    except Exception as error:  # noqa: BLE001 - whatever the library says of a damaged file
        words = " ".join(str(error).split()) or type(error).__name__
        channel.send(f"it is no whole Parquet file ({printable(words[:200])})")


class _RefusedError(Exception):
    """Raised for a file that is not read; the message says why."""


def _limit_memory() -> None:
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"  # another one reserves what it does not use
    os.environ["OMP_NUM_THREADS"] = "1"
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limit = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _read(path: str) -> Iterator[list[list[str]]]:
    from pyarrow import parquet

    with os.fdopen(os.open(path, READ_NO_WAIT), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise _RefusedError("it is a folder, pipe or device, not a file")
        left = MOST_TEXT_BYTES + MOST_TIMES * status.st_size
        with parquet.ParquetFile(file, pre_buffer=False, buffer_size=2**16) as table:
            columns = table.schema_arrow.names
            if len(columns) > MOST_COLUMNS:
                raise _RefusedError(f"it has over {MOST_COLUMNS} columns")
            yield [[escaped(name) for name in columns]]
            for batch in table.iter_batches(ROWS_AT_ONCE, use_threads=False):
                cells = [_texts(batch.column(n), columns[n]) for n in range(len(columns))]
                left -= sum(len("".join(column)) for column in cells) + len(columns) * batch.num_rows
                if left < 0:
                    raise _RefusedError(
                        f"it unpacks to {MOST_TIMES} times its size and {MOST_TEXT_BYTES >> 20} MiB"
                    )
                if batch.num_rows:
                    yield list(map(list, zip(*cells, strict=True)))


def _texts(array: pa.Array, name: str) -> list[str]:
    """Return the cells of a CSV file for the values of a column."""
    import pyarrow as pa

    kind = array.type
    if pa.types.is_dictionary(kind):
        array, kind = array.dictionary_decode(), kind.value_type
    if pa.types.is_nested(kind):
        raise _RefusedError(f"the column {printable(name)} contains lists or objects")
    values = array.to_pylist()
    text_of: Callable[[Any], str] = str
    if pa.types.is_floating(kind):
        text_of = _float_text(is_single=kind == pa.float32(), is_share=is_share(name))
    elif pa.types.is_boolean(kind):
        text_of = _bool_text
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or _is_fixed(kind):
        text_of = bytes.hex if name == SHA256 else bytes.decode
    texts = ["" if value is None else text_of(value) for value in values]
    if any(text.startswith("'") for text in texts):  # the reader of a table takes one away
        return [escaped(text) if text.startswith("'") else text for text in texts]
    return texts


def _is_fixed(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_fixed_size_binary(kind))


def _bool_text(value: bool) -> str:
    return str(value).lower()


def _float_text(*, is_single: bool, is_share: bool) -> Callable[[float], str]:
    """Return a function for the text of a float; a probability of four decimals keeps its zeros."""
    import numpy as np

    kind = np.float32 if is_single else np.float64

    def text_of(value: float) -> str:
        if value != value:  # what pandas has for an empty cell
            return ""
        text = f"{value:.4f}"
        return text if is_share and kind(text) == value else str(kind(value))

    return text_of
