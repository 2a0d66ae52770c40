"""The public names."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

import digitsort
from digitsort import Model
from tests.conftest import digit_png, invoke, make_tree, read_tree

# Public interface: a name goes away only with a major version.
NAMES = """
    ByteProgress Card ClassReport ClusterError Conflict Corrections Dataset Delivery
    DigitClassifier DigitsortError Disk Doubt Evaluation Examples ExitCode Findings
    InterruptedRunError Item Known Length Likeness Limits Manifest Mark Mode Model ModelError
    NothingToDoError Operation Outcome OutputError Plan Progress Row Settings SideCar SortOptions Status
    SupportVectors Taught Trained TrainingDataError TrainingOptions Undone UsageError
    VerificationError __version__ apply_plan classify_files classify_folder classify_images
    default_model evaluate load_model open_datasets plan_sort read_corrections read_labels
    read_manifest train undo verify
""".split()


def test_the_public_names_are_these() -> None:
    assert sorted(digitsort.__all__) == sorted(NAMES)
    assert dir(digitsort) == sorted(NAMES)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "__version__"])
def test_each_is_documented_and_typed(name: str) -> None:
    found = getattr(digitsort, name)
    assert inspect.getdoc(found)
    if inspect.isfunction(found):
        hints = found.__annotations__
        assert set(inspect.signature(found).parameters) | {"return"} == set(hints)


CLASSES = {
    name
    for file in Path(digitsort.__file__).parent.rglob("*.py")
    for name in re.findall(r"^class (\w+)", file.read_text("utf-8"), re.MULTILINE)
}


def named_in(found: object) -> Iterator[str]:
    """Return the names of classes in the signature of a function or the fields of a dataclass."""
    public = {} if not inspect.isclass(found) else vars(found).get("__annotations__", {})
    if inspect.isfunction(found):
        public = found.__annotations__
    for name, hint in public.items():
        if not name.startswith("_"):
            yield from re.findall(r"[A-Z]\w+", str(hint))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "__version__"])
def test_what_stands_in_a_public_signature_is_public(name: str) -> None:
    own = CLASSES.intersection(named_in(getattr(digitsort, name)))
    assert own <= set(NAMES)


def test_a_star_import_gives_them_all() -> None:
    names: dict[str, object] = {}
    exec("from digitsort import *", names)
    assert set(NAMES) <= set(names)


def test_the_version_is_that_of_the_installation() -> None:
    assert version("digitsort") == digitsort.__version__


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'classify_everything'"):
        _ = digitsort.classify_everything


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(digitsort.__file__).parent / "py.typed").exists()


def test_the_examples_of_the_docs_work(
    tmp_path: Path, model: Model, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each block of Python runs as it is shown, one after the other; its paths are relative."""
    monkeypatch.setattr("digitsort.classification.classify.default_model", lambda: model)
    monkeypatch.setattr("digitsort.classification.in_memory.default_model", lambda: model)
    scans = {"7.png": digit_png(7)}
    monkeypatch.chdir(make_tree(tmp_path, {"sample_images": scans}))
    assert invoke("classify", "sample_images", "-q", "-m", model_file).exit_code == 0
    text = (Path(__file__).parents[1] / "docs" / "python.md").read_text("utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, {})
    assert read_tree(tmp_path / "sample_images") == scans
    assert not (tmp_path / "sorted").exists()  # undone
