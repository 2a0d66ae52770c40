"""Mutants of models and pictures never end the process, hang, warn or take too much memory."""

from __future__ import annotations

import sys

import pytest

from digitsort.images.limits import BEYOND_BYTES
from digitsort.workers.worker import PROCESSOR_LIMIT_S
from tests.fuzz.report import MEMORY_BYTES, Report, run_fuzzer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no limit of memory for a process here")


def shown(capsys: pytest.CaptureFixture[str], title: str, report: Report) -> None:
    """Print the counts past pytest's capture."""
    with capsys.disabled():
        print(f"\n{title}: {sum(report.outcomes.values()):,}, under {MEMORY_BYTES >> 20} MiB")
        for outcome, count in sorted(report.outcomes.items()):
            print(f"{count:9,}  {outcome}")
        print(
            f"  slowest {report.slowest_s * 1e3:.0f} ms of processor time, peak {report.peak_mib} MiB"
        )


def check_plain_python(report: Report) -> None:
    """What digitsort accepts, plain Python loads, and it answers alike there."""
    assert report.bad == []
    asked = {name for name in report.outcomes if name.startswith("plain Python")}
    assert asked == {"plain Python: same answers"}


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.2])
def test_fields_of_models(capsys: pytest.CaptureFixture[str], mutants: int, share: float) -> None:
    """A field changed in any way: refused, or the same model to plain Python as to digitsort.

    Two models have some 28,000 ways; with `--mutants 200000` and `-m slow` all of them are tried.
    """
    count = round(share * mutants)
    report = run_fuzzer("tests.fuzz.fields", count)
    shown(capsys, "fields of models", report)
    assert report.outcomes["accepted"] >= min(count, 28_000) / 100
    assert report.outcomes["refused"] >= min(count, 28_000) / 2
    check_plain_python(report)


@pytest.mark.slow
def test_mutants_of_models(capsys: pytest.CaptureFixture[str], mutants: int) -> None:
    """Each is refused, or predicts finite numbers, the same as plain Python; no signal."""
    report = run_fuzzer("tests.fuzz.models", mutants)
    shown(capsys, "mutants of models", report)
    predicted = sum(n for outcome, n in report.outcomes.items() if outcome.endswith("predicted"))
    assert sum(report.outcomes.values()) >= mutants
    check_plain_python(report)
    assert predicted >= mutants / 20
    assert report.slowest_s < 1


@pytest.mark.slow
def test_mutants_of_pictures(capsys: pytest.CaptureFixture[str], mutants: int) -> None:
    """Each is a picture or one of the known reasons; no signal, no warning."""
    report = run_fuzzer("tests.fuzz.images", mutants)
    shown(capsys, "mutants of pictures", report)
    assert sum(report.outcomes.values()) >= mutants
    for form in ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP"):
        for outcome in ("read", "refused"):
            assert report.outcomes[f"{form}, {outcome}"] >= mutants / 1000


FORMS = ("JPEG", "TIFF", "BMP", "GIF", "WEBP", "AVIF", "HEIC", "JPEG2000")

SHARE_OF_PHONES = 8 / 5
"""The last three formats came later; the other five still get as many mutants as before."""


def check_hostile(report: Report, count: int) -> None:
    """A signal or a warning would have been an error of the process."""
    assert sum(report.outcomes.values()) >= count
    assert report.beyond_mib <= BEYOND_BYTES >> 20
    assert report.slowest_s < PROCESSOR_LIMIT_S


def test_a_few_mutants_that_ask_for_much() -> None:
    count = round(400 * SHARE_OF_PHONES)
    check_hostile(run_fuzzer("tests.fuzz.hostile", count, processes=1), count)


@pytest.mark.slow
def test_mutants_that_ask_for_much(capsys: pytest.CaptureFixture[str], mutants: int) -> None:
    """Each is a row; none takes 300 MiB beyond its own pixels, or 5 s of processor time."""
    pytest.importorskip("pillow_heif")
    count = round(mutants * SHARE_OF_PHONES)
    report = run_fuzzer("tests.fuzz.hostile", count)
    shown(capsys, "mutants that ask for much", report)
    with capsys.disabled():
        print(f"  {report.at_once_mib} MiB at once, {report.beyond_mib} MiB beyond its own pixels")
    check_hostile(report, count)
    for form in FORMS:
        for outcome in ("read", "refused"):
            assert report.outcomes[f"{form}, {outcome}"] >= mutants / 1000
