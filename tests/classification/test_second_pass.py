"""`classify --adapt`: doubtful rows learn from the accepted ones of the same run."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from digitsort import Model, Outcome, Settings, Status, classify_files
from digitsort.classification.neighbours import Sample
from digitsort.classification.second_pass import Eyes, Read, SecondPass
from digitsort.errors import InterruptedRunError
from digitsort.images.discover import Walk
from digitsort.images.limits import Limits
from digitsort.images.read import Picture, UnreadableError, read
from digitsort.labels.labels_csv import Format, Layout
from digitsort.labels.partial import Beginning, labels_file
from digitsort.labels.resume import RunSettings
from tests.conftest import digit_png, invoke, make_tree, read_tree

STRICT = Settings(min_confidence=0.99995)
"""Makes a few of load_digits' own scans doubtful."""


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some digits under odd names, one of them twice, and what is none."""
    digits = {f"{d}_{e}.png": digit_png(d, example=e) for d in (0, 4, 7) for e in range(25)}
    odd = {"=0, 9.png": digits.pop("0_9.png"), "broken.png": b"", "copy.png": digits["4_9.png"]}
    return make_tree(tmp_path_factory.mktemp("adapt") / "scans", digits | odd)


@dataclass(frozen=True)
class Adapting:
    """A run of both passes."""

    model: Model
    scans: Path
    settings: Settings = STRICT
    workers: int = 0
    form: Format = "csv"
    read: Read | None = None

    def write(
        self,
        path: Path,
        *,
        resume: bool = False,
        changed: Callable[[Outcome, Outcome], None] = lambda before, after: None,
    ) -> bytes:
        layout = Layout(str(path.parent), self.model.card.short)
        run = RunSettings.of([], False, "m", self.settings, self.form, adapt=True)
        with labels_file(path, layout, run, form=self.form, beginning=Beginning(resume=resume)) as file:
            known, rest = file.take_up(Walk([str(self.scans)]).files())
            sample = Sample()
            for outcome in sample.noted(self._outcomes(known, rest)):
                file.write(outcome)
            eyes = Eyes(self.model, self.settings, self.read)
            SecondPass(eyes, self.workers).change(file, sample, changed)
        return path.read_bytes()

    def _outcomes(self, known: Iterator[Outcome], rest: Iterator[str]) -> Iterator[Outcome]:
        yield from known
        yield from classify_files(rest, self.model, self.settings)


def rows(content: bytes) -> dict[str, dict[str, str]]:
    """Rows by the name of their file."""
    return {Path(row["path"]).name: row for row in csv.DictReader(content.decode().splitlines())}


def test_only_doubtful_rows_change_and_say_what_the_model_had_said(
    tmp_path: Path, model: Model, scans: Path
) -> None:
    told: list[tuple[Outcome, Outcome]] = []
    adapting = Adapting(model, scans)
    after = rows(adapting.write(tmp_path / "a.csv", changed=lambda *pair: told.append(pair)))
    before = {Path(o.path).name: o for o in classify_files(Walk([str(scans)]).files(), model, STRICT)}
    changed = {name for name, row in after.items() if row["reason"].startswith("adapted from ")}
    assert 3 <= len(changed) == len(told)
    assert {Path(old.path).name for old, _ in told} == changed
    for name, row in after.items():
        old = before[name]
        if name in changed:
            assert (row["status"], old.status, old.reason) == ("ok", "uncertain", "low confidence")
            assert row["confidence"] == "1.0000", "the threshold holds for changed rows too"
            assert row["label"] == name.lstrip("=")[0] or name == "copy.png"
            said = f"adapted from {old.label} at {old.confidence:.4f} (low confidence)"
            assert (row["reason"], row["sha256"]) == (said, old.sha256)
        else:
            assert (row["status"], row["reason"], row["label"]) == (old.status, old.reason, old.label)


@pytest.mark.parametrize(("workers", "form"), [(1, "csv"), (0, "jsonl")])
def test_the_file_is_the_same_whoever_does_the_work(
    tmp_path: Path, model: Model, scans: Path, workers: int, form: Format
) -> None:
    expected = Adapting(model, scans, form=form).write(tmp_path / "a")
    assert expected == Adapting(model, scans, workers=workers, form=form).write(tmp_path / "b")
    assert expected.count(b"adapted from") >= 3


def test_a_run_cut_off_in_the_second_pass_is_gone_on_with(
    tmp_path: Path, model: Model, scans: Path
) -> None:
    def stop(before: Outcome, after: Outcome) -> None:
        raise KeyboardInterrupt

    expected = Adapting(model, scans).write(tmp_path / "whole.csv")
    with pytest.raises(InterruptedRunError, match="Kept 77 rows"):
        Adapting(model, scans).write(tmp_path / "labels.csv", changed=stop)
    assert not (tmp_path / "labels.csv").exists()
    assert Adapting(model, scans).write(tmp_path / "labels.csv", resume=True) == expected
    assert set(read_tree(tmp_path)) == {"labels.csv", "whole.csv"}


@pytest.mark.parametrize("whose", ["all", "doubtful", "accepted"])
def test_files_that_are_not_what_they_were_stay_what_their_rows_say(
    tmp_path: Path, model: Model, scans: Path, whose: str
) -> None:
    """Neither is a file changed whose content has, nor is anything learned from it."""
    changed: list[str] = []
    Adapting(model, scans).write(tmp_path / "a.csv", changed=lambda old, _: changed.append(old.path))

    def another(path: str, limits: Limits) -> Picture:
        if whose == "all":
            raise UnreadableError("no such file")
        picture = read(path, limits)
        is_other = (path in changed) == (whose == "doubtful")
        return picture._replace(sha256="0" * 64) if is_other else picture

    content = Adapting(model, scans, read=another).write(tmp_path / "labels.csv")
    assert b"adapted" not in content
    assert len(changed) >= 3


def test_the_command_counts_changed_rows_as_what_they_are(
    tmp_path: Path, model_file: Path, scans: Path
) -> None:
    command = ("classify", scans, "-m", model_file, "--min-confidence", "0.99995", "--adapt")
    done = invoke(*command, "-o", tmp_path / "labels.csv")
    written = rows((tmp_path / "labels.csv").read_bytes())
    ok = sum(row["status"] == Status.OK for row in written.values())
    adapted = sum(row["reason"].startswith("adapted") for row in written.values())
    assert f"77 files = {ok} ok" in done.stderr
    assert f"{adapted} rows became ok in the second pass" in done.stderr


def test_stdout_can_not_be_changed_afterwards(scans: Path) -> None:
    done = invoke("classify", scans, "-o", "-", "--adapt")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Name one with -o" in done.stderr


def test_another_kind_of_run_is_not_gone_on_with(
    tmp_path: Path, model: Model, model_file: Path, scans: Path
) -> None:
    def stop(before: Outcome, after: Outcome) -> None:
        raise KeyboardInterrupt

    with suppress(InterruptedRunError):
        Adapting(model, scans).write(tmp_path / "labels.csv", changed=stop)
    command = ("classify", scans, "-m", model_file, "-o", tmp_path / "labels.csv", "-q")
    done = invoke(*command, "--resume")
    assert done.exit_code == 5
    assert "adapt: True, now False" in " ".join(done.stderr.split())
