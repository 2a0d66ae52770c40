"""What tests share: trees as dicts, drawn digits, one small model trained once."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageOps

if TYPE_CHECKING:
    from typer.testing import Result

    from digitsort.model.reading import Model

REPOSITORY = Path(__file__).parent.parent


@dataclass(frozen=True)
class Link:
    """A symbolic link in a tree."""

    target: str


Tree = Mapping[str, Any]
"""Name to content: bytes, text, a picture (saved in the format of its name), a Link, another tree."""


def make_tree(root: Path, tree: Tree) -> Path:
    """Make files, folders and links below `root`; a name may hold slashes."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Mapping):
            make_tree(path, content)
        elif isinstance(content, Link):
            try:
                path.symlink_to(content.target)
            except (OSError, NotImplementedError) as error:
                pytest.skip(f"no symbolic links here: {error}")
        elif isinstance(content, Image.Image):
            content.save(path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def read_tree(root: Path) -> dict[str, Any]:
    """A folder as `make_tree` takes it: names to bytes, Links and trees."""
    return {path.name: _content(path) for path in sorted(root.iterdir())}


def _content(path: Path) -> Any:
    if path.is_symlink():
        return Link(os.readlink(path))
    return read_tree(path) if path.is_dir() else path.read_bytes()


@cache
def _digits() -> Any:
    from sklearn.datasets import load_digits

    return load_digits()


def digit_image(digit: int, *, example: int = 0, side: int = 64) -> Image.Image:
    """One of load_digits' images of `digit`, enlarged to `side` pixels: dark on white, 8 bits gray."""
    digits = _digits()
    index = (digits.target == digit).nonzero()[0][example]
    small = Image.fromarray((digits.images[index] * (255 / 16)).round().astype("uint8"))
    margin = side // 8
    return ImageOps.expand(
        ImageOps.invert(small.resize((side - 2 * margin,) * 2, Image.Resampling.BICUBIC)),
        border=margin,
        fill=255,
    )


def png(image: Image.Image) -> bytes:
    """The bytes of a PNG file."""
    return encoded(image, "PNG")


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    """The bytes of a picture file in any of Pillow's formats."""
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def digit_png(digit: int, *, example: int = 0, side: int = 64) -> bytes:
    """`digit_image` as the bytes of a PNG file."""
    return png(digit_image(digit, example=example, side=side))


def run_digitsort(
    *arguments: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "digitsort", *(str(a) for a in arguments)],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )


def use_model(monkeypatch: pytest.MonkeyPatch, model: Model) -> None:
    """Let the commands take this model for the default one and for every file."""
    monkeypatch.setattr("digitsort.model.reading.default_model", lambda: model)
    monkeypatch.setattr("digitsort.model.reading.load_model", lambda _: model)


def invoke(*arguments: str | Path) -> Result:
    """Run the command line in this process; what it raises but SystemExit is raised."""
    from typer.testing import CliRunner

    from digitsort.cli import make_app

    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(make_app(words), words, catch_exceptions=False)


MOST_CASES = {
    "test_a_link_before_any_call_leads_nowhere": 20,
    "test_scans_tied_to_sorted_files_of_a_killed_run": 12,
    "test_scans_tied_to_sorted_files_of_a_killed_undo": 12,
    "test_files_tied_after_a_killed_move_within_dest": 6,
    "test_files_tied_after_a_killed_undo_within_dest": 6,
    "test_a_cut_everywhere": 18,
    "test_a_cut_after_a_kill": 4,
    "test_a_cut_of_moves_within_dest": 6,
    "test_a_cut_of_watch": 5,
    "test_a_cut_of_sidecars": 8,
    "test_a_cut_of_a_swap": 2,
    "test_a_power_cut_anywhere": 5,
    "test_a_cut_of_a_swap_after_a_kill": 1,
    "test_a_cut_of_moves_within_dest_after_a_kill": 3,
    "test_no_line_counts_elsewhere_in_any_mode": 9,
    "test_a_made_up_journal_beside_a_true_one_has_no_power": 4,
    "test_no_made_up_journal_has_power": 5,
    "test_a_flipped_bit_is_found_out": 5,
    "test_hostile_fields_have_no_power": 4,
    "test_nothing_is_executed": 25,
    "test_a_pythonpath_that_means_the_working_folder": 6,
    "test_at_every_moment": 16,
    "test_a_line_of_three_gigabytes_takes_little_memory": 3,
}
"""Slow tests of very many cases, and how many of these run unless `--all-cases` is given."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out most cases of the largest slow tests, evenly: all slow ones take half an hour."""
    if config.getoption("--all-cases"):
        return
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        name = getattr(item, "originalname", item.name)
        if name in MOST_CASES:
            cases.setdefault(name, []).append(item)
    left_out = set()
    for name, all_of_it in cases.items():
        kept = {round(n * len(all_of_it) / MOST_CASES[name]) for n in range(MOST_CASES[name])}
        left_out |= {item for n, item in enumerate(all_of_it) if n not in kept}
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]


def pytest_configure() -> None:
    """Let no example of hypothesis fail because the machine is busy."""
    from hypothesis import settings

    settings.register_profile("no deadline", deadline=None)
    settings.load_profile("no deadline")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--mutants N` makes the fuzzers run longer, or shorter; `--every-ms N` the tests of signals."""
    parser.addoption(
        "--mutants", type=int, default=20_000, help="mutants that each fuzzer tries (slow tests)"
    )
    parser.addoption(
        "--all-cases", action="store_true", help="run every case of the largest slow tests"
    )
    parser.addoption(
        "--every-ms", type=int, default=80, help="time between two signals that are tried (slow tests)"
    )


@pytest.fixture
def mutants(request: pytest.FixtureRequest) -> int:
    """How many mutants each fuzzer tries."""
    return int(request.config.getoption("--mutants"))


@pytest.fixture
def every_ms(request: pytest.FixtureRequest) -> int:
    """Milliseconds between two moments at which a command is interrupted."""
    return int(request.config.getoption("--every-ms"))


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Where the tests were started in the background, Ctrl-C is ignored, and by all they start too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _shared(folder: Path) -> Path:
    """The folder that all processes of a run share."""
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Nobody's cache is touched: every test, and every process it starts, has that of the session."""
    folder = _shared(tmp_path_factory.getbasetemp()) / "cache"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGITSORT_CACHE", str(folder))
        patch.setenv("DIGITSORT_STATE", str(folder.parent / "state"))
        patch.setenv("PYTHONPATH", str(REPOSITORY))  # a process started elsewhere runs this digitsort
        patch.setenv("COLUMNS", "100")
        yield folder


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory, _own_cache: Path) -> Path:
    """A model file, trained on load_digits; not to be changed by a test."""
    from digitsort import open_datasets, train

    path = tmp_path_factory.mktemp("model") / "model.pkl"
    path.write_bytes(train(open_datasets(["digits"])).data)
    return path


@pytest.fixture(scope="session")
def model(model_file: Path) -> Model:
    """The model of `model_file`."""
    from digitsort import load_model

    return load_model(model_file)


@pytest.fixture
def unprivileged(tmp_path: Path) -> Iterator[Path]:
    """A folder, and a user for whom permissions count: root is somebody else for the while."""
    if os.name != "posix":
        pytest.skip("no POSIX permissions here")
    if os.geteuid() != 0:
        yield tmp_path
        return
    nobody = 65534
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as state,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("DIGITSORT_STATE", state)
        for path in (folder, state):
            os.chown(path, nobody, nobody)
        os.seteuid(nobody)
        try:
            yield Path(folder)
        finally:
            os.seteuid(0)


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    """Write rows of finished cells as CSV."""
    from digitsort.labels.table import write_table

    with path.open("wb") as file:
        write_table(file, columns, rows)
