"""A model file is read without running it, and refused when anything is wrong."""

from __future__ import annotations

import os
import pickle
import pickletools
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitsort.errors import ExitCode, ModelError
from digitsort.model import reading
from digitsort.model.inert_pickle import MOST_BYTES, scan
from digitsort.model.reading import load_model, parse_model, verify_model
from digitsort.recognition.score import predict, score
from digitsort.recognition.vectorize import vectorize
from tests.drawing import digit_inks
from tests.model.hostile.attributes import on_version, with_form_of_1_5, with_form_of_1_9
from tests.model.hostile.case import HEAD, good_model

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


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.pkl can't be read: No such file"):
        load_model(tmp_path / "none.pkl")


def test_the_message_names_the_file_and_the_exit_code_is_3(tmp_path: Path) -> None:
    (tmp_path / "bad.pkl").write_bytes(b"")
    with pytest.raises(ModelError, match=r"bad\.pkl refused\. It is empty\. Make a model") as caught:
        load_model(tmp_path / "bad.pkl")
    assert caught.value.exit_code == ExitCode.MODEL


def test_a_pipe_or_folder_is_refused_at_once(tmp_path: Path) -> None:
    """Nobody writes into the pipe: who waits for it waits for ever."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("no FIFOs here")
    os.mkfifo(tmp_path / "pipe.pkl")
    for path in (tmp_path, tmp_path / "pipe.pkl"):
        with pytest.raises(ModelError, match="a folder, pipe or device"):
            load_model(path)


def test_a_file_too_large_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "m.pkl").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(ModelError, match="larger than 256 MiB"):
        load_model(tmp_path / "m.pkl")


def test_no_memory_is_a_refusal(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def starve(data: bytes) -> NoReturn:
        raise MemoryError

    monkeypatch.setattr(reading, "scan", starve)
    with pytest.raises(ModelError, match="not enough memory"):
        load_model(model_file)


def test_verify_sees_other_coefficients(model: Model) -> None:
    machine = replace(model.machine, dual_coef=model.machine.dual_coef * 0.5)
    with pytest.raises(ModelError, match="fingerprint"):
        verify_model(replace(model, machine=machine))


def test_nothing_of_the_file_is_kept_but_copies(model: Model) -> None:
    """Arrays of the model's own, in C order, that stay when the file's bytes go."""
    machine = model.machine
    arrays = (machine.vectors, machine.dual_coef, machine.intercept, model.known_vectors)
    for array in (*arrays, machine.n_support, model.known_margins):
        assert array.flags.owndata
        assert array.flags.c_contiguous
        assert array.flags.writeable


@pytest.mark.parametrize("form", [with_form_of_1_5, with_form_of_1_9])
def test_the_forms_of_all_versions_are_read(form: Callable[[bytes], bytes]) -> None:
    """What scikit-learn 1.5 to 1.8 and 1.9 pickle, whichever is installed here."""
    assert parse_model(form(good_model())).card == parse_model(good_model()).card


def test_a_newer_version_of_the_same_form_is_read() -> None:
    assert parse_model(on_version("1.23.dev0+4f")(with_form_of_1_9(good_model()))).card.classes


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_opcodes_are_those_that_python_sees(data: st.DataObject) -> None:
    """Whatever is scanned, `pickletools.genops` takes apart alike: there is one reading of a file."""
    ops = data.draw(st.lists(st.sampled_from(sorted(OPS)), max_size=12))
    pickled = HEAD + b"".join(OPS[name] for name in ops) + b"."
    expected = [(opcode.name, argument) for opcode, argument, _ in pickletools.genops(pickled)][1:]
    found = [
        (o.name, bytes(o.argument) if isinstance(o.argument, memoryview) else o.argument)
        for o in scan(pickled)
    ]
    assert expected == found


OPS = {
    "none": b"N",
    "true": b"\x88",
    "int": b"J\xff\xff\xff\xff",
    "int1": b"K\xff",
    "int2": b"M\xff\xfe",
    "long": b"\x8a\x02\xff\xff",
    "no long": b"\x8a\0",
    "float": b"G" + struct.pack(">d", 0.1),
    "short text": b"\x8c\x03\xc3\xa9x",
    "text": b"X\3\0\0\0a\0b",
    "short bytes": b"C\2ab",
    "bytes": b"B\4\0\0\0N.N.",
    "mark": b"(",
    "get": b"h\7",
    "long get": b"j\0\1\0\0",
    "frame": b"\x95" + bytes(8),
    "tuple": b"t",
    "name": b"\x93",
}
