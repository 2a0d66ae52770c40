"""Every call by which digitsort/sorting removes or replaces something is known, and why it may."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import digitsort.sorting

REMOVING = {
    *("unlink", "rmdir", "remove", "removedirs", "rmtree", "rename", "renames", "replace"),
    *("truncate", "remove_ours", "remove_copy", "remove_empty", "rename_new", "_remove_temporary"),
}

ALLOWED = {
    # The rule itself: the content was proven at another place.
    ("removal.py", "remove_copy", "disk.unlink(removed)"),
    (
        "deliver.py",
        "_take_back",
        "remove_copy(self._disk, self._places, copy, task.source, task.sha256)",
    ),
    (
        "recover.py",
        "_remove_source",
        "remove_copy(self._disk, self._places, source, target, entry.sha256)",
    ),
    (
        "recover.py",
        "_remove_source",
        "remove_copy(self._disk, self._places, there, entry.source, entry.sha256)",
    ),
    ("undo.py", "_remove", "remove_copy(self._disk, self._places, place, kept, entry.sha256)"),
    (
        "undo.py",
        "_remove_second",
        "remove_copy(self._disk, self._places, place, entry.source, entry.sha256)",
    ),
    # A moved file's source: its copy was compared and made durable a moment ago, the source is the
    # file that was copied (`_check_unchanged`), and the two are two (`check_other_place`).
    ("deliver.py", "_remove_source", "self._disk.unlink(source)"),
    # A copy that a power cut has torn: nothing is in it that its whole source has not.
    ("removal.py", "remove_torn", "disk.unlink(torn)"),
    # One of two names of the same file, which were compared just before.
    ("deliver.py", "_remove_old_name", "disk.unlink(source)"),
    ("deliver.py", "_remove_old_name", "remove_ours(disk, target)"),
    # A symbolic link in DEST that leads where this run made it lead: it is no content.
    ("undo.py", "_remove", "self._disk.unlink(place)"),
    # One of two names of a symbolic link in DEST, which were compared just before.
    ("recover.py", "_remove_source", "self._disk.unlink(source)"),
    # Renames that replace nothing.
    ("deliver.py", "_renamed", "rename_new(disk, source, target)"),
    ("deliver.py", "rename_new", "disk.rename_new(source, target)"),
    ("deliver.py", "publish", "rename_new(disk, temporary, target)"),
    # An empty file of ours that held the final name of a copy for this moment.
    ("deliver.py", "publish", "disk.replace(temporary, target)"),
    ("deliver.py", "publish", "remove_ours(disk, target)"),
    ("recover.py", "remove_half_done", "remove_ours(disk, places.at(final))"),
    # Temporary files, by names that hold the token of a run of ours; their sources stay.
    ("transfer.py", "remove_ours", "disk.unlink(place)"),
    ("transfer.py", "copy_to_temporary", "remove_ours(disk, temporary)"),
    ("deliver.py", "_copy_named", "remove_ours(disk, temporary)"),
    ("deliver.py", "move", "self._remove_temporary(task)"),
    ("deliver.py", "_publish", "self._remove_temporary(task)"),
    ("deliver.py", "_remove_temporary", "remove_ours(self._disk, self._places.at(task.temporary))"),
    ("recover.py", "remove_half_done", "remove_ours(disk, places.at(temporary))"),
    ("dest.py", "remove_temporaries", "remove_ours(disk, places.at(os.path.join(folder, name)))"),
    ("books.py", "_goes_if_unfinished", "disk.unlink(temporary)"),
    # DEST/labels.csv and its seal: replaced by their new versions, or gone with their last row.
    ("books.py", "_write", "disk.replace(temporary, places.at(path))"),
    (
        "books.py",
        "_write_seal",
        "disk.replace(temporary, places.at(os.path.join(folder, SEAL_NAME)))",
    ),
    ("books.py", "_remove", "remove_ours(disk, places.at(os.path.join(dest, FOLDER, SEAL_NAME)))"),
    # To a random name, under which it is kept if a person has saved it meanwhile.
    ("books.py", "_remove", "disk.replace(places.at(os.path.join(dest, LABELS_NAME)), removed)"),
    # A second name of a labels.csv that was read before it was replaced.
    ("books.py", "_kept_if_saved", "remove_ours(disk, second)"),
    # Journals of runs that did nothing, or of which nothing is left; a torn last line of one.
    ("batch.py", "_discard", "self._disk.unlink(places.at(journal.run.path))"),
    ("recover.py", "_write_down", "self._disk.unlink(self._places.at(run.path))"),
    ("recover.py", "_last", "remove_ours(disk, places.at(path))"),
    ("undo.py", "_forget", "disk.unlink(places.at(run.path))"),
    ("journal.py", "reopen", "disk.truncate(descriptor, run.size)"),
    # A journal of which not even the first line could be written.
    ("journal.py", "new_journal", "remove_ours(disk, place)"),
    # The lock, who holds it, and what lies beside it.
    ("dest.py", "_say_who", "remove_ours(disk, place)"),
    ("dest.py", "_leave", "remove_ours(disk, places.at(os.path.join(folder, HOLDER)))"),
    ("dest.py", "_leave", "remove_ours(disk, places.at(os.path.join(folder, name)))"),
    # Folders, which the system removes only if they are empty.
    ("dest.py", "_leave", "disk.rmdir(places.at(folder))"),
    ("dest.py", "_leave", "disk.rmdir(places.at(dest))"),
    ("dest.py", "remove_empty", "disk.rmdir(places.at(folder))"),
    ("batch.py", "end", "remove_empty(self._disk, places, folders)"),
    ("recover.py", "settle", "remove_empty(self._disk, self._places, made)"),
    ("undo.py", "_end", "remove_empty(self._disk, self._places, made)"),
    # Text, and a field of a dataclass.
    ("entries.py", "path_in", "path.replace('/', os.sep)"),
    ("plan.py", "_settle_name", "replace(item, path=below)"),
}
"""File, function and call."""


def removals(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield all calls of a file that may remove or replace something."""
    tree = ast.parse(path.read_text())
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if _name(call) in REMOVING and not _is_of_text(call):
            around = [f for f in functions if f.lineno <= call.lineno <= (f.end_lineno or 0)]
            inner = max(around, key=lambda f: f.lineno).name if around else ""
            yield path.name, inner, ast.unparse(call)


def _name(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _is_of_text(call: ast.Call) -> bool:
    """Whether it is `str.replace`: its second argument is text."""
    last = call.args[-1] if call.args else None
    return _name(call) == "replace" and isinstance(last, ast.Constant) and isinstance(last.value, str)


def test_every_removal_is_known() -> None:
    """A new one has to be thought through first: it may remove the only copy."""
    folder = Path(digitsort.sorting.__file__).parent
    found = {removal for path in folder.glob("*.py") for removal in removals(path)}
    assert found == ALLOWED


def test_no_removal_is_overlooked(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text(
        "import os, shutil\nfrom os import remove\n"
        "def f(p, q, disk):\n p.unlink()\n os.remove(q)\n remove(q)\n shutil.rmtree(p)\n p.replace(q)\n"
        " os.replace(p, q)\n p.rename(q)\n disk.rmdir(p)\n 'a'.replace('a', 'b')\n"
    )
    assert len(list(removals(path))) == 8


def test_no_changing_function_is_called_by_another_name() -> None:
    """Neither handed on, nor looked up by its name: the list would not see it."""
    folder = Path(digitsort.sorting.__file__).parent
    for path in folder.glob("*.py"):
        tree = ast.parse(path.read_text())
        called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        for node in ast.walk(tree):
            named = isinstance(node, ast.Attribute) and node.attr in REMOVING - {"replace"}
            assert not named or id(node) in called, (path.name, ast.unparse(node))
            looked_up = isinstance(node, ast.Call) and _name(node) in ("getattr", "methodcaller")
            assert not looked_up, path.name
