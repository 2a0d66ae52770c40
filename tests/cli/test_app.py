"""The command line as a whole: help, version, a light start."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

from digitsort.cli import COMMANDS
from tests.conftest import digit_png, invoke, make_tree, run_digitsort

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
        timeout=300,
    )
    return set(done.stdout.rpartition("loaded:")[2].split())


def test_help_loads_neither_numpy_nor_scikit_learn() -> None:
    assert set() == loaded("--help") & HEAVY


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command: str) -> None:
    """Its help has no types such as <bool>, and an example with options that exist."""
    shown = invoke(*shlex.split(COMMANDS[command].example)[1:], "--help")
    assert shown.exit_code == 0
    assert f"{command} [OPTIONS]" in shown.stdout
    assert f"Example: {COMMANDS[command].example}" in shown.stdout
    assert not set("<{") & set(shown.stdout)
    assert shown.stderr == ""


def test_every_option_of_a_long_help_is_in_a_section() -> None:
    for command in ("classify", "sort", "review", "evaluate", "train"):
        assert "─ Options ─" not in invoke(command, "--help").stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_the_list_of_commands_says_what_each_command_says_of_itself(command: str) -> None:
    function = getattr(import_module(f"digitsort.cli.{command}"), command)
    assert COMMANDS[command].summary == function.__doc__.partition("\n")[0]


def test_one_command_imports_no_other() -> None:
    script = (
        "import sys; from digitsort.cli import make_app; make_app(['-x', 'undo']); print(*sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True
    )
    assert {"undo"} == {name for name in COMMANDS if f"digitsort.cli.{name}" in shown.stdout.split()}


def test_a_wrong_name_is_told_the_right_one() -> None:
    assert "Did you mean 'classify'?" in run_digitsort("clasify").stderr


@pytest.mark.parametrize(
    ("words", "word"), [("digitsort cla", "classify"), ("digitsort undo --dr", "--dry-run")]
)
def test_a_shell_completes_commands_and_options(words: str, word: str) -> None:
    asking = {
        "_DIGITSORT_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    code = "import sys; from digitsort.cli import main; sys.argv = ['digitsort']; main()"
    shown = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env=os.environ | asking,
    )
    assert [word] == shown.stdout.split()


def test_no_command_loads_scikit_learn_to_show_its_help() -> None:
    script = (
        "import sys; from importlib import import_module; from digitsort.cli import COMMANDS\n"
        "for name in COMMANDS: import_module(f'digitsort.cli.{name}')\n"
        "print(*sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True
    )
    assert set() == set(shown.stdout.split()) & {"sklearn", "scipy", "joblib", "cv2"}


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
