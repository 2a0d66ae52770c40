"""Read the default model, a file of the package, which is used if no model is named."""

from __future__ import annotations

from importlib.resources import as_file, files

from digitsort.model.reading import Model, load_model

DEFAULT_FILE = "default.pkl"
"""File name of the default model in digitsort/model; `digitsort train -d release` makes it."""


def default_model() -> Model:
    """Read the default model, which comes with the installation."""
    with as_file(files("digitsort.model").joinpath(DEFAULT_FILE)) as path:
        return load_model(path)
