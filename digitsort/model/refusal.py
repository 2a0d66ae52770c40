"""How a model file is refused."""

from __future__ import annotations

from digitsort.errors import ModelError

REMEDY = "Make a model with `digitsort train -o model.pkl`."


def require(condition: bool, otherwise: str) -> None:
    """Refuse the file unless the condition holds.

    Parameters
    ----------
    condition : bool
    otherwise : str
        What was found instead; a sentence without its full stop.

    Raises
    ------
    ModelError
    """
    if not condition:
        raise ModelError(f"{otherwise}. {REMEDY}")
