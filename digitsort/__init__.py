"""digitsort: label folders of digit scans, and sort them.

>>> from digitsort import classify_folder
>>> for outcome in classify_folder("scans"):  # doctest: +SKIP
...     print(outcome.path, outcome.label, outcome.confidence)
"""

# Nothing is imported here: with `python -m digitsort` the working folder is still on the path.
TYPE_CHECKING = False  # what type checkers take for true

if TYPE_CHECKING:
    from digitsort.classification.classify import classify_files, classify_folder
    from digitsort.classification.in_memory import classify_images
    from digitsort.classification.settings import Length, Settings
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
    from digitsort.evaluation.judge import ClassReport, Evaluation, evaluate
    from digitsort.files.disk import Disk
    from digitsort.images.limits import Limits
    from digitsort.labels.cells import Findings
    from digitsort.labels.corrections import Corrections, read_corrections
    from digitsort.labels.labels_csv import read_labels
    from digitsort.labels.row import Row
    from digitsort.model.card import Card
    from digitsort.model.estimator import DigitClassifier
    from digitsort.model.reading import Model, default_model, load_model
    from digitsort.outcomes import Outcome, Status
    from digitsort.progress import ByteProgress, Progress
    from digitsort.recognition.score import Likeness, SupportVectors
    from digitsort.sorting.apply import Delivery, apply_plan
    from digitsort.sorting.inventory import Item
    from digitsort.sorting.plan import Conflict, Mode, Operation, Plan, SideCar, SortOptions, plan_sort
    from digitsort.sorting.undo import Undone, undo
    from digitsort.sorting.verify import Manifest, Mark, read_manifest, verify
    from digitsort.training.choose_dataset import open_datasets
    from digitsort.training.doubts import Doubt
    from digitsort.training.examples import Dataset, Examples, Known
    from digitsort.training.finish import Trained, TrainingOptions
    from digitsort.training.fit import train
    from digitsort.training.labelled import Taught

    __version__: str

__all__ = [
    "ByteProgress",
    "Card",
    "ClassReport",
    "ClusterError",
    "Conflict",
    "Corrections",
    "Dataset",
    "Delivery",
    "DigitClassifier",
    "DigitsortError",
    "Disk",
    "Doubt",
    "Evaluation",
    "Examples",
    "ExitCode",
    "Findings",
    "InterruptedRunError",
    "Item",
    "Known",
    "Length",
    "Likeness",
    "Limits",
    "Manifest",
    "Mark",
    "Mode",
    "Model",
    "ModelError",
    "NothingToDoError",
    "Operation",
    "Outcome",
    "OutputError",
    "Plan",
    "Progress",
    "Row",
    "Settings",
    "SideCar",
    "SortOptions",
    "Status",
    "SupportVectors",
    "Taught",
    "Trained",
    "TrainingDataError",
    "TrainingOptions",
    "Undone",
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
    "read_corrections",
    "read_labels",
    "read_manifest",
    "train",
    "undo",
    "verify",
]

_HOMES = {
    "ByteProgress": "progress",
    "Card": "model.card",
    "ClassReport": "evaluation.judge",
    "ClusterError": "errors",
    "Conflict": "sorting.plan",
    "Corrections": "labels.corrections",
    "Dataset": "training.examples",
    "Delivery": "sorting.apply",
    "DigitClassifier": "model.estimator",
    "DigitsortError": "errors",
    "Disk": "files.disk",
    "Doubt": "training.doubts",
    "Evaluation": "evaluation.judge",
    "Examples": "training.examples",
    "ExitCode": "errors",
    "Findings": "labels.cells",
    "InterruptedRunError": "errors",
    "Item": "sorting.inventory",
    "Known": "training.examples",
    "Likeness": "recognition.score",
    "Length": "classification.settings",
    "Limits": "images.limits",
    "Manifest": "sorting.verify",
    "Mark": "sorting.verify",
    "Mode": "sorting.plan",
    "Model": "model.reading",
    "ModelError": "errors",
    "NothingToDoError": "errors",
    "Operation": "sorting.plan",
    "Outcome": "outcomes",
    "OutputError": "errors",
    "Plan": "sorting.plan",
    "Progress": "progress",
    "Row": "labels.row",
    "Settings": "classification.settings",
    "SideCar": "sorting.plan",
    "SortOptions": "sorting.plan",
    "Status": "outcomes",
    "SupportVectors": "recognition.score",
    "Taught": "training.labelled",
    "Trained": "training.finish",
    "TrainingDataError": "errors",
    "TrainingOptions": "training.finish",
    "Undone": "sorting.undo",
    "UsageError": "errors",
    "VerificationError": "errors",
    "apply_plan": "sorting.apply",
    "classify_files": "classification.classify",
    "classify_folder": "classification.classify",
    "classify_images": "classification.in_memory",
    "default_model": "model.reading",
    "evaluate": "evaluation.judge",
    "load_model": "model.reading",
    "open_datasets": "training.choose_dataset",
    "plan_sort": "sorting.plan",
    "read_corrections": "labels.corrections",
    "read_labels": "labels.labels_csv",
    "read_manifest": "sorting.verify",
    "train": "training.fit",
    "undo": "sorting.undo",
    "verify": "sorting.verify",
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
