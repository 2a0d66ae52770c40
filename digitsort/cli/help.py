"""Hide Python types such as `<bool>` in help texts."""

from __future__ import annotations

from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption


class PlainCommand(TyperCommand):
    """Command whose help shows `--force`, not `--force <bool>`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters; Typer asks here for those that help shows."""
        return list(map(_plain, super().get_params(ctx)))


class PlainGroup(TyperGroup):
    """Group whose help shows its own options and the list of commands in the same way."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters; Typer asks here for those that help shows."""
        return list(map(_plain, super().get_params(ctx)))


def _plain(parameter: Any) -> Any:
    """Return the parameter without the name of its Python type."""
    if isinstance(parameter, TyperOption) and parameter.is_flag:
        parameter.metavar = ""
    elif isinstance(parameter, TyperArgument):
        setattr(parameter, "display_type_rich", lambda **_: "")  # noqa: B010 - mypy: a method
    return parameter
