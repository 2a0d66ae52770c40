"""digitsort: label folders of digit scans, and sort them.

>>> from digitsort import classify_folder
>>> for outcome in classify_folder("scans"):  # doctest: +SKIP
...     print(outcome.path, outcome.label, outcome.confidence)
"""

# Nothing is imported here: with `python -m digitsort` the working folder is still on the path.
TYPE_CHECKING = False  # what type checkers take for true

if TYPE_CHECKING:
    from digitsort.classification.classify import Settings, classify_files, classify_folder
    from digitsort.classification.in_memory import classify_images
    from digitsort.errors import (
        ClusterError,
        DigitsortError,
        ExitCode,
        InterruptedRunError,
        ModelError,
        NothingToDoError,
        OutputError,
        TrainingDataError,
        UsageError,
        VerificationError,
    )
    from digitsort.evaluation.metrics import evaluate
    from digitsort.images.limits import Limits
    from digitsort.labels.labels_csv import read_labels
    from digitsort.model.estimator import DigitClassifier
    from digitsort.model.reading import Model, default_model, load_model
    from digitsort.outcomes import Outcome, Status
    from digitsort.sorting.apply import apply_plan
    from digitsort.sorting.plan import Mode, SortOptions, plan_sort
    from digitsort.training.choose_dataset import open_datasets
    from digitsort.training.fit import TrainingOptions, train

    __version__: str

__all__ = [
    "ClusterError",
    "DigitClassifier",
    "DigitsortError",
    "ExitCode",
    "InterruptedRunError",
    "Limits",
    "Mode",
    "Model",
    "ModelError",
    "NothingToDoError",
    "Outcome",
    "OutputError",
    "Settings",
    "SortOptions",
    "Status",
    "TrainingDataError",
    "TrainingOptions",
    "UsageError",
    "VerificationError",
    "__version__",
    "apply_plan",
    "classify_files",
    "classify_folder",
    "classify_images",
    "default_model",
    "evaluate",
    "load_model",
    "open_datasets",
    "plan_sort",
    "read_labels",
    "train",
]

_HOMES = {
    "ClusterError": "errors",
    "DigitClassifier": "model.estimator",
    "DigitsortError": "errors",
    "ExitCode": "errors",
    "InterruptedRunError": "errors",
    "Limits": "images.limits",
    "Mode": "sorting.plan",
    "Model": "model.reading",
    "ModelError": "errors",
    "NothingToDoError": "errors",
    "Outcome": "outcomes",
    "OutputError": "errors",
    "Settings": "classification.classify",
    "SortOptions": "sorting.plan",
    "Status": "outcomes",
    "TrainingDataError": "errors",
    "TrainingOptions": "training.fit",
    "UsageError": "errors",
    "VerificationError": "errors",
    "apply_plan": "sorting.apply",
    "classify_files": "classification.classify",
    "classify_folder": "classification.classify",
    "classify_images": "classification.in_memory",
    "default_model": "model.reading",
    "evaluate": "evaluation.metrics",
    "load_model": "model.reading",
    "open_datasets": "training.choose_dataset",
    "plan_sort": "sorting.plan",
    "read_labels": "labels.labels_csv",
    "train": "training.fit",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that `--help` loads no numpy."""
    if name == "__version__":
        from importlib.metadata import version

        return version("digitsort")
    if name not in _HOMES:
        raise AttributeError(f"module 'digitsort' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"digitsort.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
