"""A folder with a module of every name that Python could ask for; each says when it is run."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

OPTIONAL = (
    *("sitecustomize", "usercustomize", "isal", "distributed", "dask", "brotli", "olefile"),
    *("fsspec", "s3fs", "gcsfs", "adlfs", "aiohttp", "zstandard", "pillow_heif", "pypdfium2"),
    *("openpyxl", "lxml", "defusedxml", "pyarrow", "watchfiles", "compression"),
)
"""Names that are imported where they exist, by Python or by a dependency."""

HOSTILE = '''\
import sys as _sys
with open({marks!r} + "/" + __name__, "a", encoding="utf-8") as _file:
    _file.write(repr(_sys.orig_argv) + "\\n")
def _become_the_real_one():
    """Let the process go on, so that what it imports next is seen too."""
    before = list(_sys.path)
    _sys.path[:] = [p for p in before if p not in ("", ".", {folder!r})]
    hostile = _sys.modules.pop(__name__)
    try:
        __import__(__name__)
    except ImportError:
        _sys.modules[__name__] = hostile
    finally:
        _sys.path[:] = before
if "." not in __name__:
    _become_the_real_one()
'''


def all_names() -> list[str]:
    """Every module of the standard library and every top-level name of what is installed."""
    names = {*sys.stdlib_module_names, *packages_distributions(), *OPTIONAL}
    return sorted(name for name in names if name.isidentifier())


def lay_traps(folder: Path, marks: Path, names: Iterable[str]) -> None:
    """Put a hostile module of each name into a folder: every third one is a package."""
    marks.mkdir(exist_ok=True)
    code = HOSTILE.format(marks=str(marks), folder=str(folder))
    for number, name in enumerate(names):
        if number % 3:
            (folder / f"{name}.py").write_text(code, encoding="utf-8")
        else:
            (folder / name).mkdir(exist_ok=True)
            (folder / name / "__init__.py").write_text(code, encoding="utf-8")


def executed(marks: Path) -> dict[str, str]:
    """Names of the modules that were run, and the command lines of the processes that ran them."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(marks.iterdir())}
