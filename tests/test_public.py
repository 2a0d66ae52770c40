"""The public names."""

from __future__ import annotations

import inspect
from importlib.metadata import version
from pathlib import Path

import pytest

import digitsort

# Public interface: a name goes away only with a major version.
NAMES = """
    ClusterError DigitClassifier DigitsortError ExitCode InterruptedRunError Limits Mode Model
    ModelError NothingToDoError Outcome OutputError Settings SortOptions Status
    TrainingDataError TrainingOptions UsageError VerificationError __version__ apply_plan
    classify_files classify_folder classify_images default_model evaluate load_model
    open_datasets plan_sort read_labels train
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
