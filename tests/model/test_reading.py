"""A model file is read without running it, and refused when anything is wrong."""

from __future__ import annotations

import gzip
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from digitsort.errors import ExitCode, ModelError
from digitsort.model.reading import load_model, parse_model, verify_model
from digitsort.recognition.score import predict, score
from digitsort.recognition.vectorize import vectorize
from tests.drawing import digit_inks

if TYPE_CHECKING:
    from digitsort.model.reading import Model


def test_the_scorer_agrees_with_the_estimator(model_file: Path, model: Model) -> None:
    """On all 1,797 digits: the same labels, probabilities within 1e-6."""
    estimator = pickle.loads(model_file.read_bytes())
    grays = list(digit_inks()[0])
    scores = score(vectorize(grays).features, model.machine)
    names = np.array(model.class_names)
    assert (names[predict(scores)] == estimator.predict(grays)).all()
    assert scores.decision == pytest.approx(estimator.decision_function(grays), abs=1e-3)


def test_plain_python_opens_the_file(model_file: Path) -> None:
    """`pickle.load` in a fresh process gives a working estimator, digitsort not imported before."""
    program = (
        "import pickle, sys, numpy as np\n"
        f"model = pickle.load(open({str(model_file)!r}, 'rb'))\n"
        "paper = np.full((60, 60), 255, np.uint8); paper[10:50, 28:33] = 0\n"
        "print(type(model).__module__, type(model.svc_).__name__, *model.predict([paper]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["digitsort", "SVC", "1"]


def test_the_file_is_protocol_4(model_file: Path) -> None:
    assert model_file.read_bytes()[:2] == b"\x80\x04"


def test_known_answers_and_fingerprint_agree(model: Model) -> None:
    assert len(model.known_vectors) == 64
    verify_model(model)


class Evil:
    """Would write a file if it were unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_nothing_in_the_file_is_called(tmp_path: Path) -> None:
    data = pickle.dumps(Evil(tmp_path / "made"), 4)
    with pytest.raises(ModelError, match=r"posix\.mkdir|nt\.mkdir"):
        parse_model(data)
    assert not (tmp_path / "made").exists()


def bare_svc() -> bytes:
    from sklearn.svm import SVC

    return pickle.dumps(SVC().fit([[0.0], [1.0]], [0, 1]), 4)


BAD_FILES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", "no pickle"),
    "text": (lambda _: b"hello, world\n", "opcode"),
    "cut off": (lambda good: good[: len(good) // 2], "damaged"),
    "with something behind": (lambda good: good + b"x", "follows"),
    "two models": (lambda good: good + good, "follows"),
    "compressed": (gzip.compress, "no pickle"),
    "a bare SVC": (lambda _: bare_svc(), "bare scikit-learn SVC"),
    "another object": (lambda _: pickle.dumps({"a": 1}, 4), "no DigitClassifier"),
    "an array": (lambda _: pickle.dumps(np.zeros(3), 4), "no DigitClassifier"),
    "old protocol": (lambda _: pickle.dumps(Path("x"), 0), "opcode|names"),
    "another recipe": (lambda good: good.replace(b"moments-32", b"moments-99"), "recipe"),
    "another kernel": (lambda good: good.replace(b"\x8c\x03rbf", b"\x8c\x03lin"), "kernel"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_refused(name: str, model_file: Path, tmp_path: Path) -> None:
    """Each with a message that names what was found and the file; exit code 3."""
    damage, says = BAD_FILES[name]
    path = tmp_path / "bad.pkl"
    path.write_bytes(damage(model_file.read_bytes()))
    with pytest.raises(ModelError, match=says) as caught:
        load_model(path)
    assert "bad.pkl" in str(caught.value)
    assert caught.value.exit_code == ExitCode.MODEL


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        load_model(tmp_path / "none.pkl")


def changed(model_file: Path, change: Callable[[Any], None]) -> bytes:
    estimator = pickle.loads(model_file.read_bytes())
    change(estimator)
    return pickle.dumps(estimator, 4)


def set_on_svc(**values: Any) -> Callable[[Any], None]:
    return lambda estimator: estimator.svc_.__dict__.update(values)


def scale(name: str, factor: float) -> Callable[[Any], None]:
    return lambda estimator: estimator.svc_.__dict__.update(
        {name: estimator.svc_.__dict__[name] * factor}
    )


BAD_NUMBERS: dict[str, tuple[Callable[[Any], None], str]] = {
    "sparse": (set_on_svc(_sparse=True), "sparse"),
    "counts": (scale("_n_support", -1), "n_support"),
    "more counts": (scale("_n_support", 2), "shape"),
    "half a vector": (scale("support_vectors_", 0.5), "whole"),
    "negative vectors": (scale("support_vectors_", -1), "whole"),
    "long vectors": (scale("support_vectors_", 3), "too long"),
    "two faces": (scale("_dual_coef_", 1.5), "differ"),
    "two intercepts": (scale("_intercept_", 1.5), "differ"),
    "not a number": (scale("dual_coef_", float("nan")), "numbers that are none"),
    "no gamma": (set_on_svc(_gamma=-1.0), "gamma"),
    "gamma in words": (set_on_svc(_gamma="scale"), "gamma"),
    "object array": (set_on_svc(dual_coef_=np.array([None])), "shape|type"),
    "no array": (set_on_svc(intercept_=[1.0]), "no array"),
    "class labels": (scale("classes_", 2), "classes_"),
}


@pytest.mark.parametrize("name", BAD_NUMBERS)
def test_numbers_that_do_not_fit_are_refused(name: str, model_file: Path) -> None:
    change, says = BAD_NUMBERS[name]
    with pytest.raises(ModelError, match=says):
        parse_model(changed(model_file, change))


def test_verify_sees_other_coefficients(model_file: Path) -> None:
    """Coefficients changed on both faces pass the checks of form and fail that of the fingerprint."""

    def weaken(estimator: Any) -> None:
        scale("dual_coef_", 0.5)(estimator)
        scale("_dual_coef_", 0.5)(estimator)

    model = parse_model(changed(model_file, weaken))
    with pytest.raises(ModelError, match="fingerprint"):
        verify_model(model)
