"""Classify images that are in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

from digitsort.classification.decide import decide
from digitsort.classification.settings import (
    DEFAULT_SETTINGS,
    Settings,
    allowed_classes,
    checked_labels,
)
from digitsort.errors import UsageError
from digitsort.images.gray import to_gray
from digitsort.images.limits import Limits, UnreadableError
from digitsort.model.reading import Model, default_model
from digitsort.outcomes import Outcome
from digitsort.recognition.canvas import Gray
from digitsort.workers.tuning import one_blas_thread

AT_A_TIME = 512
"""Number of images to take before they are judged."""

_CHANNELS = {2: "LA", 3: "RGB", 4: "RGBA"}


def classify_images(
    images: Iterable[npt.ArrayLike | Image.Image],
    *,
    model: Model | None = None,
    settings: Settings = DEFAULT_SETTINGS,
) -> Iterator[Outcome]:
    """Classify images in memory; one outcome for each image, in the same order.

    Parameters
    ----------
    images : iterable of array_like or PIL.Image.Image
        Arrays of shape (height, width), (height, width, 1) or (1, height, width) are gray; arrays of
        2, 3 or 4 channels and type uint8 are gray with alpha, RGB or RGBA. Gray levels may be bool,
        integers or floats; other types than uint8 are scaled as in files. Ink may be darker or lighter
        than its background.
    model : Model, optional
        Model from `load_model`; default: the model that comes with digitsort.
    settings : Settings

    Yields
    ------
    Outcome
        `path` is the position of the image, as text: ``"0"``, ``"1"``.

    Raises
    ------
    UsageError
        If an image has no pixels, another shape, or levels that are no numbers.

    Examples
    --------
    >>> from digitsort import classify_images
    >>> from sklearn.datasets import load_digits
    >>> [outcome.label for outcome in classify_images(load_digits().images[:4])]
    ['0', '1', '2', '3']
    """
    model = default_model() if model is None else model
    if settings.number is not None:
        raise UsageError(
            "classify_images can't read numbers (settings.number). Save the images, and call "
            "classify_files."
        )
    if settings.only_labels is not None:
        checked_labels(settings.only_labels, model.class_names)
    grays = (_gray(image, at, settings.limits) for at, image in enumerate(images))
    while some := list(islice(grays, AT_A_TIME)):
        yield from _judged(some, model, settings)


def _judged(grays: list[tuple[str, Gray]], model: Model, settings: Settings) -> Iterator[Outcome]:
    allowed = allowed_classes(settings.only_labels, model.class_names)
    with one_blas_thread():
        verdicts = decide([gray for _, gray in grays], model, settings.min_confidence, allowed)
    for (name, _), verdict in zip(grays, verdicts, strict=True):
        wanted = settings.probabilities and verdict.label
        yield Outcome(
            name,
            verdict.status,
            verdict.label,
            verdict.confidence,
            verdict.reason,
            verdict.second,
            verdict.second_confidence,
            probabilities=verdict.probabilities if wanted else (),
        )


def _gray(image: npt.ArrayLike | Image.Image, position: int, limits: Limits) -> tuple[str, Gray]:
    try:
        opened = image if isinstance(image, Image.Image) else _image(np.asarray(image))
        limits.check_size(*opened.size)
        orientation = opened.getexif().get(ExifTags.Base.Orientation, 1)
        return str(position), to_gray(opened.copy(), orientation)
    except (UnreadableError, ValueError, TypeError, OSError) as error:
        raise UsageError(
            f"Image {position} can't be read: {error}. An image is a PIL.Image, or an array of shape "
            "(height, width) with numbers, or (height, width, 3 or 4) with uint8."
        ) from error


def _image(values: npt.NDArray[Any]) -> Image.Image:
    if values.size == 0:
        raise ValueError(f"its shape is {values.shape}")
    if values.ndim == 3 and 1 in (values.shape[0], values.shape[2]):
        values = values[0] if values.shape[0] == 1 else values[:, :, 0]
    if values.ndim == 3 and values.dtype == np.uint8 and values.shape[2] in _CHANNELS:
        size = (values.shape[1], values.shape[0])
        return Image.frombytes(_CHANNELS[values.shape[2]], size, values.tobytes())
    if values.ndim != 2:
        raise ValueError(f"its shape is {values.shape}, its type {values.dtype}")
    return Image.fromarray(_levels(values))


def _levels(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Convert gray levels to a type that Pillow has."""
    kind = values.dtype.kind
    if kind == "b":
        return np.where(values, np.uint8(255), np.uint8(0))
    if values.dtype in (np.uint8, np.uint16):
        return values
    if kind in "iu" and int(values.min()) >= -(2**31) and int(values.max()) < 2**31:
        return values.astype(np.int32)
    if kind in "iuf":
        return values.astype(np.float32)
    raise TypeError(f"its type is {values.dtype}")
