"""The command line as a whole: help, version, a light start."""

from __future__ import annotations

import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from digitsort.cli.options import EXAMPLES
from tests import test_interrupted, test_no_code_from_here
from tests.conftest import digit_png, invoke, make_tree, run_digitsort

COMMANDS = ["classify", "sort", "evaluate", "train", "inspect", "model"]

HEAVY = {"numpy", "PIL", "sklearn", "scipy", "joblib", "jinja2"}


def loaded(*arguments: str | Path, code: int = 0) -> set[str]:
    """Top-level modules that a run of the command line has loaded in the end."""
    script = (
        "import sys\n"
        "from digitsort.cli import main\n"
        "sys.argv = ['digitsort', *sys.argv[1:]]\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        f"    assert end.code == {code}, end.code\n"
        "print('loaded:', *{name.partition('.')[0] for name in sys.modules})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    return set(done.stdout.rpartition("loaded:")[2].split())


def test_help_loads_neither_numpy_nor_scikit_learn() -> None:
    assert set() == loaded("--help") & HEAVY


@pytest.mark.parametrize("cases", [test_interrupted.COMMANDS, test_no_code_from_here.COMMANDS])
def test_each_command_is_interrupted_and_started_in_a_hostile_folder(cases: dict[str, str]) -> None:
    """A new command needs a case in both."""
    from digitsort.cli import COMMANDS as ALL

    assert {command.__name__ for command in ALL} <= {case.split()[0] for case in cases.values()}


@pytest.mark.parametrize("command", EXAMPLES)
def test_each_command_has_help(command: str) -> None:
    """Its help has no types such as <bool>, and an example with options that exist."""
    shown = invoke(*shlex.split(EXAMPLES[command])[1:], "--help")
    assert shown.exit_code == 0
    assert f"{command} [OPTIONS]" in shown.stdout
    assert f"Example: {EXAMPLES[command]}" in shown.stdout
    assert not set("<{") & set(shown.stdout)
    assert shown.stderr == ""


def test_every_option_of_a_long_help_is_in_a_section() -> None:
    for command in ("classify", "sort", "review", "evaluate", "train"):
        assert "─ Options ─" not in invoke(command, "--help").stdout


def test_one_command_alone_is_the_same_as_among_all() -> None:
    """A run builds but the one that it is asked for."""
    from typer.testing import CliRunner

    from digitsort.cli import COMMANDS as ALL
    from digitsort.cli import make_app

    for command in (each.__name__ for each in ALL):
        asked = [command, "--help"]
        assert CliRunner().invoke(make_app(asked), asked).stdout == invoke(*asked).stdout
    assert "Did you mean 'classify'?" in run_digitsort("clasify").stderr


def test_the_help_of_a_command_loads_neither_numpy_nor_scikit_learn() -> None:
    assert set() == loaded("classify", "--help") & HEAVY


def test_a_usage_error_loads_no_scikit_learn(tmp_path: Path) -> None:
    assert set() == loaded("classify", tmp_path / "gone", code=2) & {"sklearn", "scipy"}


def test_classify_and_sort_load_no_scikit_learn_once_a_model_exists(
    tmp_path: Path, model_file: Path
) -> None:
    make_tree(tmp_path, {"scans": {"7.png": digit_png(7)}})
    scans, output = tmp_path / "scans", tmp_path / "labels.csv"
    modules = loaded("classify", scans, "-o", output, "-m", model_file)
    modules |= loaded("sort", output, tmp_path / "by labels")
    modules |= loaded("sort", scans, tmp_path / "by folder", "-m", model_file)
    assert "numpy" in modules
    assert set() == modules & {"sklearn", "scipy", "joblib"}


def test_neither_does_the_default_model(tmp_path: Path) -> None:
    make_tree(tmp_path, {"7.png": digit_png(7)})
    assert set() == loaded("classify", tmp_path / "7.png", "-o", "-") & {"sklearn", "scipy", "joblib"}


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = "import sys, digitsort; dir(digitsort); print(*sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True
    )
    assert set() == set(shown.stdout.split()) & HEAVY


def test_the_version_is_that_of_the_installation() -> None:
    shown = run_digitsort("-V")
    assert (0, f"digitsort {version('digitsort')}\n", "") == (
        shown.returncode,
        shown.stdout,
        shown.stderr,
    )


def test_without_a_command_the_help_is_shown() -> None:
    assert all(command in invoke().output for command in COMMANDS)
