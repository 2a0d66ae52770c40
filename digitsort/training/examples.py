"""Define data sets of labelled images, and turn them into examples: feature vectors and labels.

What the default model knows (its support vectors, and images that were held out from its fit) can stand
for a data set.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from digitsort.errors import ModelError, TrainingDataError
from digitsort.evaluation.certification import first_of_each, picture_hashes
from digitsort.files.names import printable
from digitsort.images.discover import Walk
from digitsort.images.limits import Limits
from digitsort.images.read import UnreadableError, read
from digitsort.model.card import MOST_CLASSES
from digitsort.model.estimator import DigitClassifier
from digitsort.model.reading import Model, default_model
from digitsort.progress import Progress
from digitsort.recognition.canvas import Gray
from digitsort.recognition.normalize import NORMAL_SIDE_PX
from digitsort.recognition.score import FEATURE_COUNT
from digitsort.recognition.vectorize import gradient_features, vectorize
from digitsort.workers.tuning import one_blas_thread

LabelledGray = tuple[Gray, str]


@dataclass(frozen=True, slots=True)
class Dataset:
    """Named source of labelled images.

    Attributes
    ----------
    name : str
        Name on the model card.
    count : int
        Expected number of images.
    load : callable
        Function that yields (gray, class name) pairs, always the same in the same order.
    invented : bool
        Whether digitsort generated the images.
    weight : float
        Weight of each image in the fit.
    by_hand : bool
        Whether a person labelled these images. They are sorted by label and content.
    note : str
        Message about how the images were found.
    known : Known or None
        Knowledge of a model, which replaces images.
    paths : sequence of str
        Path of each image, if each is a file.
    """

    name: str
    count: int
    load: Callable[[], Iterator[LabelledGray]]
    invented: bool = False
    weight: float = 1.0
    by_hand: bool = False
    note: str = ""
    known: Known | None = None
    paths: Sequence[str] = ()

    @property
    def names(self) -> Sequence[str]:
        """Return a name for each image, for messages."""
        return self.paths or [f"{self.name}, image {number}" for number in range(1, self.count + 1)]


def dataset_of_arrays(
    name: str, images: Sequence[Gray] | npt.NDArray[Any], labels: Iterable[object]
) -> Dataset:
    """Return the data set of images in memory, and a label for each."""
    texts = [str(label) for label in labels]

    def load() -> Iterator[LabelledGray]:
        yield from zip(images, texts, strict=True)

    return Dataset(name, len(images), load)


def check_class_count(count: int) -> None:
    """Raise TrainingDataError for more classes than a model can have."""
    if count > MOST_CLASSES:
        raise TrainingDataError(
            f"There are {count} classes, but a model has at most {MOST_CLASSES}. Are these digits?"
        )


def require_listed(walk: Walk) -> None:
    """Raise TrainingDataError if a walk came to a folder that it could not list."""
    for folder, reason in walk.unreadable:
        raise TrainingDataError(not_listed(folder, reason))


def not_listed(folder: str, reason: str) -> str:
    """Return the message about a folder that can't be listed."""
    return (
        f"{printable(folder)} can't be listed: {reason}. Make it readable or remove it, so that no "
        "training image is skipped silently."
    )


def read_or_refuse(path: str, limits: Limits) -> Gray:
    """Read a training image; raise TrainingDataError if it can't be read."""
    try:
        return read(path, limits).gray
    except UnreadableError as error:
        raise TrainingDataError(
            f"{printable(path)}: {error}. Repair the file or remove it, so that no training image is "
            "skipped silently."
        ) from error


Normal = npt.NDArray[np.uint8]

CORNER_PX, GENTLE_CORNER_PX = 1.6, 1.0
"""Standard deviation of the shift of each corner along x and y, in pixels of 32. Larger ones improved
MNIST up to 1.5; generated digits got no worse at 2, and load_digits alone got worse above 1.5."""

FEW = 5_000
"""With fewer images, corners are shifted less, because each image counts for more."""

_CORNERS = (0, 0, 0, NORMAL_SIDE_PX, NORMAL_SIDE_PX, NORMAL_SIDE_PX, NORMAL_SIDE_PX, 0)
"""x and y of the upper left, lower left, lower right and upper right corner, as Pillow takes them."""


def distort(normal: Normal, seed: int) -> Normal:
    """Shift the four corners of each image (n, 32, 32) at random.

    The results are shifts, turns, stretches, shears and other distortions. Virtual examples lower the
    error of an SVM (DeCoste and Schölkopf 2002, "Training invariant support vector machines").
    Normalization would undo distortions that are made before it.
    """
    rng = np.random.default_rng(seed)
    spread_px = GENTLE_CORNER_PX if len(normal) < FEW else CORNER_PX
    corners = np.array(_CORNERS) + rng.normal(0.0, spread_px, (len(normal), 8))
    distorted = np.empty_like(normal)
    for index, quadrilateral in enumerate(corners.tolist()):
        distorted[index] = _pulled(normal[index], tuple(quadrilateral))
    return distorted


def _pulled(normal: Normal, quadrilateral: tuple[float, ...]) -> Normal:
    side = (NORMAL_SIDE_PX, NORMAL_SIDE_PX)
    image = Image.fromarray(normal)
    return np.asarray(
        image.transform(side, Image.Transform.QUAD, quadrilateral, Image.Resampling.BICUBIC)
    )


LEAST_PER_CLASS = 5
"""Smallest number of images of a class: one for the test, four for the fit."""

MOST_NAMED = 10
"""Largest number of classes to name in a message."""

BATCH = 256

DISTORTION_SEED = 0


@dataclass(frozen=True, slots=True)
class Examples:
    """Vectors (n, d), the normalized ink they are of (n, 32, 32), labels and weights in a fit (n,).

    `names` (n,) are those of the images, for messages; empty texts if they are not known.
    """

    features: npt.NDArray[np.float32]
    normal: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.str_]
    weights: npt.NDArray[np.float64]
    names: npt.NDArray[np.object_] = field(default_factory=lambda: np.empty(0, np.object_))

    def __post_init__(self) -> None:
        if len(self.names) != len(self.labels):
            object.__setattr__(self, "names", np.full(len(self.labels), "", np.object_))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, where: npt.NDArray[np.intp]) -> Examples:
        return Examples(
            self.features[where],
            self.normal[where],
            self.labels[where],
            self.weights[where],
            self.names[where],
        )

    def __add__(self, other: Examples) -> Examples:
        return Examples(
            np.concatenate([self.features, other.features]),
            np.concatenate([self.normal, other.normal]),
            np.concatenate([self.labels, other.labels]),
            np.concatenate([self.weights, other.weights]),
            np.concatenate([self.names, other.names]),
        )

    def fit(self, estimator: DigitClassifier) -> DigitClassifier:
        """Fit an estimator to these examples, each once as it is and once distorted."""
        both = self.with_distorted()
        return estimator.fit_features(both.features, both.labels, both.weights)

    def with_distorted(self) -> Examples:
        """Return these examples, followed by a copy of each with distorted corners."""
        normal = distort(self.normal, DISTORTION_SEED)
        return self + Examples(features_of(normal), normal, self.labels, self.weights)

    def split(self, count: int, seed: int) -> tuple[Examples, Examples]:
        """Draw `count` examples, stratified by label; gives the others and these."""
        from sklearn.model_selection import train_test_split

        kept, drawn = train_test_split(
            np.arange(len(self)), test_size=count, random_state=seed, stratify=self.labels
        )
        return self[np.sort(kept)], self[np.sort(drawn)]


@dataclass(frozen=True, slots=True)
class Gathered:
    """Examples without copies.

    Attributes
    ----------
    examples : Examples
        The first of each picture under each of its labels.
    copies : int
        Images left out: the same picture with the same label is among the examples, or was known.
    disputed : int
        Pictures that are among the examples under several labels.
    """

    examples: Examples
    copies: int
    disputed: int


def gather(datasets: Sequence[Dataset], progress: Progress) -> Gathered:
    """Turn all images of the datasets into vectors, copies only once.

    Otherwise a copy of an image in the fit could certify or test the model.

    Raises
    ------
    TrainingDataError
        If there are fewer than two classes or too few images in one.
    """
    gathered = without_copies(examples_of(datasets, progress))
    check_classes(Counter(gathered.examples.labels.tolist()), "different " * bool(gathered.copies))
    return gathered


def without_copies(examples: Examples, known: Examples | None = None) -> Gathered:
    """Leave out what the examples hold already, or what is known, under the same label."""
    pictures = picture_hashes(examples.normal)
    keys = list(zip(pictures, examples.labels.tolist(), strict=True))
    first = first_of_each(keys, () if known is None else _keys(known))
    labels_of = Counter(pictures[index] for index in first)
    disputed = sum(count > 1 for count in labels_of.values())
    return Gathered(examples[np.array(first, np.intp)], len(keys) - len(first), disputed)


def _keys(examples: Examples) -> set[tuple[bytes, str]]:
    return set(zip(picture_hashes(examples.normal), examples.labels.tolist(), strict=True))


def examples_of(datasets: Sequence[Dataset], progress: Progress) -> Examples:
    """Turn images into vectors, whatever their classes."""
    features: list[npt.NDArray[np.float32]] = [np.empty((0, FEATURE_COUNT), np.float32)]
    normal = [np.empty((0, NORMAL_SIDE_PX, NORMAL_SIDE_PX), np.uint8)]
    labels: list[str] = []
    total = sum(dataset.count for dataset in datasets)
    pairs = (pair for dataset in datasets for pair in dataset.load())
    while batch := list(islice(pairs, BATCH)):
        with one_blas_thread():
            vectors = vectorize([gray for gray, _ in batch])
        features.append(vectors.features)
        normal.append(vectors.normal)
        labels.extend(label for _, label in batch)
        progress("prepare images", len(labels), total)
    weights = np.repeat([d.weight for d in datasets], [d.count for d in datasets])
    names = np.array([name for dataset in datasets for name in dataset.names], np.object_)
    return Examples(
        np.concatenate(features), np.concatenate(normal), np.array(labels, np.str_), weights, names
    )


def features_of(normal: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Compute the features of normalized ink (n, 32, 32)."""
    with one_blas_thread():
        parts = [gradient_features(normal[i : i + BATCH]) for i in range(0, len(normal), BATCH)]
    return np.concatenate(parts) if parts else np.empty((0, FEATURE_COUNT), np.float32)


def check_classes(counts: Counter[str], kind: str) -> None:
    """Raise TrainingDataError for fewer than two classes, or a class with too few images."""
    check_class_count(len(counts))
    if not counts:
        raise TrainingDataError("The training data contains no images. Choose another folder.")
    if len(counts) < 2:
        raise TrainingDataError(
            f"There is only one class, {next(iter(counts))!r}. Add images of another class."
        )
    few = {name: count for name, count in counts.items() if count < LEAST_PER_CLASS}
    if len(few) > 1:
        named = [f"{printable(name)} ({count})" for name, count in few.items()]
        shown = ", ".join(named[:MOST_NAMED]) + " …" * (len(named) > MOST_NAMED)
        raise TrainingDataError(
            f"{len(few)} of {len(counts)} classes have too few {kind}images: {shown}. Training and "
            f"testing need at least {LEAST_PER_CLASS} of each. Add images, or remove the classes."
        )
    name, fewest = min(counts.items(), key=lambda item: item[1])
    if fewest < LEAST_PER_CLASS:
        images = f"one {kind}image" if fewest == 1 else f"{fewest} {kind}images"
        raise TrainingDataError(
            f"Class {name!r} has {images}, but training and testing need at least "
            f"{LEAST_PER_CLASS}. Add images, or remove the class."
        )


KNOWN_FILE = "default.npz"
"""File name in digitsort/model, next to the default model."""


_NAMES = ("weights", "normal", "labels", "fingerprint")


@dataclass(frozen=True, slots=True)
class Known:
    """Knowledge of a model, from which it can be fitted again with more images.

    Attributes
    ----------
    model : Model
    weights : ndarray of shape (n,), float64
        Weights of its support vectors in the fit.
    held_out : Examples
        Images that were not part of any fit.
    """

    model: Model
    weights: npt.NDArray[np.float64]
    held_out: Examples

    @property
    def labels(self) -> npt.NDArray[np.str_]:
        """Return the class of each support vector (n,)."""
        return np.repeat(np.array(self.model.class_names), self.model.machine.n_support)


def known_to_default() -> Known:
    """Read the knowledge of the default model from the package."""
    model = default_model()
    try:
        data = files("digitsort.model").joinpath(KNOWN_FILE).read_bytes()
    except OSError as error:
        raise _refused(f"it can't be read: {error.strerror}") from error
    return parse_known(model, data)


def parse_known(model: Model, data: bytes) -> Known:
    """Read the bytes that `known_to_bytes` made for a model.

    Raises
    ------
    ModelError
        If they are damaged, or were made for another model.
    """
    weights, normal, labels, fingerprint = _arrays(data)
    if not _is_sound(weights, normal, labels, len(model.class_names)):
        raise _refused("it is damaged")
    if str(fingerprint) != model.card.fingerprint or len(weights) != model.card.support_vectors:
        raise _refused("it does not belong to the default model beside it")
    texts = np.array([model.class_names[index] for index in labels], np.str_)
    held_out = Examples(features_of(normal), normal, texts, np.ones(len(texts)))
    return Known(model, weights.astype(np.float64), held_out)


def _arrays(data: bytes) -> list[npt.NDArray[Any]]:
    """Unpack the arrays; nothing that is in them is run."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return [arrays[name] for name in _NAMES]
    except Exception as error:
        # For a broken file, numpy and zipfile raise many kinds of errors: ValueError, BadZipFile,
        # KeyError, zlib.error, tokenize.TokenError …
        raise _refused("it is damaged") from error


def _is_sound(
    weights: npt.NDArray[Any], normal: npt.NDArray[Any], labels: npt.NDArray[Any], classes: int
) -> bool:
    """Return whether arrays have the forms and values that `known_to_bytes` gives them."""
    return (
        [array.dtype.str for array in (weights, normal, labels)] == ["<f4", "|u1", "|u1"]
        and weights.ndim == labels.ndim == 1
        and normal.shape == (len(labels), NORMAL_SIDE_PX, NORMAL_SIDE_PX)
        and bool((np.isfinite(weights) & (weights > 0)).all())
        and bool((labels < classes).all())
    )


def _refused(why: str) -> ModelError:
    return ModelError(
        f"{KNOWN_FILE} of the installation can't be used: {why}. Install digitsort again."
    )


def known_to_bytes(weights: npt.NDArray[np.float64], held_out: Examples, fingerprint: str) -> bytes:
    """Pack weights and held-out images for the model with a fingerprint.

    The same input always gives the same bytes.
    """
    names = np.unique(held_out.labels)
    file = io.BytesIO()
    np.savez_compressed(
        file,
        weights=weights.astype(np.float32),
        normal=held_out.normal,
        labels=np.searchsorted(names, held_out.labels).astype(np.uint8),
        fingerprint=np.array(fingerprint),
    )
    return file.getvalue()
