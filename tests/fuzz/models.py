"""Mutants of good models, read and, where they are taken, asked: by digitsort and by plain Python.

Arguments: seed, count.
"""

from __future__ import annotations

import pickle
import pickletools
import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from digitsort.classification.decide import decide
from digitsort.cli.model import _lines
from digitsort.errors import ModelError
from digitsort.model.card import fingerprint
from digitsort.model.reading import Model, parse_model
from digitsort.recognition.score import SupportVectors, probabilities, score
from tests.drawing import scans
from tests.fuzz.leaves import emit, fields, read_tree, replaced, substitutes
from tests.fuzz.plain import PlainPython
from tests.fuzz.report import Report, limit_memory
from tests.model.hostile.case import good_model, good_pair, raw_array, raw_dtype

Mutate = Callable[[random.Random, bytes], bytes]


def main(seed: int, count: int) -> None:
    """Read `count` mutants; half of them know what a model looks like."""
    goods = [good_model(), good_pair()]
    images = scans(3)
    vectors = parse_model(goods[0]).known_vectors[:4]
    decide(images, parse_model(goods[0]))  # whatever is loaded late is loaded
    limit_memory()
    chance, report, plain = random.Random(seed), Report(), PlainPython()
    for number in range(count):
        kind = ("blind", BLIND) if number % 2 else ("structured", STRUCTURED)
        mutate = chance.choice(kind[1])
        mutant = mutate(chance, chance.choice(goods))
        with report.timed():
            outcome = _read(mutant, images, vectors)
        if outcome != "refused":
            plain.ask(mutate.__name__, mutant)
        report.outcomes[f"{kind[0]}, {outcome}"] = report.outcomes.get(f"{kind[0]}, {outcome}", 0) + 1
    plain.finish()
    report.outcomes |= plain.counts
    report.bad = plain.bad[:40]
    report.finish()


def _read(data: bytes, images: list[Any], vectors: Any) -> str:
    try:
        model = parse_model(data)
    except ModelError:
        return "refused"
    _ask(model, images, vectors)
    return "loaded and predicted"


def _ask(model: Model, images: list[Any], vectors: Any) -> None:
    """Whatever a loaded model is used for; its numbers have to be usable ones."""
    chances = probabilities(score(vectors, model.machine), model.card.temperature)
    assert np.isfinite(chances).all()
    assert (abs(chances.sum(axis=1) - 1) < 1e-6).all()
    for verdict in decide(images, model):
        assert verdict.label in ("", *model.class_names)
    assert all(isinstance(value, str) for _, value in _lines(model.card))


# --- blind mutants ----------------------------------------------------------------------------------


def flip_bytes(chance: random.Random, good: bytes) -> bytes:
    """Set a few bytes to anything."""
    data = bytearray(good)
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def flip_head_and_tail(chance: random.Random, good: bytes) -> bytes:
    """Set bytes where opcodes are dense."""
    data = bytearray(good)
    for _ in range(chance.randint(1, 3)):
        start = chance.choice((0, max(0, len(data) - 2500)))
        data[start + chance.randrange(min(len(data) - start, 2500))] = chance.randrange(256)
    return bytes(data)


def cut_or_repeat(chance: random.Random, good: bytes) -> bytes:
    """Take a piece out, or put it somewhere else once more."""
    a, b = sorted(chance.randrange(len(good)) for _ in range(2))
    if chance.random() < 0.5:
        return good[:a] + good[b:]
    at = chance.randrange(len(good))
    return good[:at] + good[a : min(b, a + 500)] + good[at:]


# --- mutants of opcodes -----------------------------------------------------------------------------

_PIECES: dict[bytes, list[bytes]] = {}


def _pieces(good: bytes) -> list[bytes]:
    """A good model as opcodes, each with its argument."""
    if good not in _PIECES:
        starts = [at for _, _, at in pickletools.genops(good) if at is not None]
        ends = [*starts[1:], len(good)]
        _PIECES[good] = [good[a:b] for a, b in zip(starts, ends, strict=True)]
    return _PIECES[good]


def mutate_opcodes(chance: random.Random, good: bytes) -> bytes:
    """Swap, drop, repeat and replace whole opcodes; the rest of the stream stays in step."""
    pieces = [piece for piece in _pieces(good) if piece[:1] != b"\x95"]
    for _ in range(chance.randint(1, 3)):
        a, b = (chance.randrange(1, len(pieces)) for _ in range(2))
        action = chance.randrange(4)
        if action == 0:
            pieces[a], pieces[b] = pieces[b], pieces[a]
        elif action == 1:
            del pieces[a]
        elif action == 2:
            pieces.insert(a, pieces[b])
        else:
            code = chance.choice(pickletools.opcodes).code.encode("latin-1")
            pieces[a] = code + pieces[a][1:]
    return b"".join(pieces)


def mutate_numbers(chance: random.Random, good: bytes) -> bytes:
    """Change what small opcodes say: shapes, versions, memo numbers, counts, entries of the card."""
    pieces = list(_pieces(good))
    small = [i for i, piece in enumerate(pieces) if piece[:1] in b"KMJGh\x8c" and len(piece) < 64]
    for _ in range(chance.randint(1, 2)):
        at = chance.choice(small)
        code, rest = pieces[at][:1], bytearray(pieces[at][1:])
        where = chance.randrange(len(rest)) if code != b"\x8c" else len(rest) - 1
        rest[where] = chance.choice((0, 1, 2, 127, 128, 255, chance.randrange(256)))
        pieces[at] = code + bytes(rest)
    return b"".join(pieces)


# --- mutants that know what a model is --------------------------------------------------------------

_ARRAYS = """
    support_vectors_ dual_coef_ _dual_coef_ intercept_ _intercept_ _n_support support_ class_weight_
    classes_ _probA _probB _num_iter n_iter_
""".split()
_EXTREMES = (
    0.0,
    -0.0,
    1e-308,
    5e-324,
    1e99,
    1e101,
    -1e99,
    1e308,
    float("inf"),
    float("nan"),
    0.5,
    4095,
)


def mutate_arrays(chance: random.Random, good: bytes) -> bytes:
    """Contents, shapes, dtypes and counts of one array or two."""
    estimator = pickle.loads(good)
    arrays = [(estimator.svc_, name) for name in _ARRAYS]
    arrays += [(estimator, name) for name in ("known_vectors_", "known_margins_", "projection_")]
    for owner, name in chance.sample(arrays, chance.randint(1, 2)):
        owner.__dict__[name] = _mutated(chance, owner.__dict__[name])
    return pickle.dumps(estimator, 4)


def _mutated(chance: random.Random, array: Any) -> Any:
    action = chance.randrange(0 if array.size else 1, 6)
    if action == 0:
        changed = array.astype("f8")
        changed.flat[chance.randrange(array.size)] = chance.choice(_EXTREMES)
        with np.errstate(all="ignore"):
            return changed.astype(array.dtype)
    if action == 1:
        return array.astype(chance.choice(("f4", "f8", "i4", "i8", "u2", "O", "U4", "c16", ">f8", "?")))
    if action == 2:
        return array[tuple(slice(0, max(0, s - chance.randrange(3))) for s in array.shape)]
    if action == 3:
        return chance.choice((np.transpose, np.ravel, np.asfortranarray, np.flip, np.atleast_3d))(array)
    if action == 4:
        shape = tuple(chance.choice((s, -s, s * 2, 0, 2**31, 2**62, True)) for s in array.shape)
        return raw_array(array, shape=shape)
    state = [3, "<", None, None, None, -1, -1, 0]
    state[chance.randrange(8)] = chance.choice((0, 1, -1, 2**31 - 1, ">", None, "|", (), 63))
    return raw_array(array, dtype=raw_dtype(chance.choice(("f8", "O8", "i4", "V8")), tuple(state)))


def mutate_fields(chance: random.Random, good: bytes) -> bytes:
    """Up to three fields of any kind, at any depth."""
    tree = read_tree(good)
    chosen = chance.sample(list(fields(tree)), chance.randint(1, 3))
    for path, value in sorted(chosen, key=lambda field: -len(field[0])):  # the outer ones last
        tree = replaced(tree, path, chance.choice(substitutes(value)))
    return emit(tree)


def resealed(chance: random.Random, good: bytes) -> bytes:
    """Another machine with the fingerprint and the known answers that it should have: it is taken."""
    estimator = pickle.loads(good)
    machine = _other_machine(chance, estimator)
    card = estimator.card_
    for name in ("min_confidence", "ok_familiarity", "min_familiarity"):
        card[name] = chance.choice((card[name], 0.0, 1.0, chance.random()))
    card["temperature"] = estimator.temperature_ = chance.choice((1e-6, 0.2, 1.0, 1e6))
    card["gamma"] = machine.gamma
    calibration = {
        name: card[name]
        for name in ("temperature", "min_confidence", "ok_familiarity", "min_familiarity")
    }
    card["fingerprint"] = fingerprint(machine, card["recipe"], tuple(card["classes"]), calibration)
    margins = score(estimator.known_vectors_.astype(np.float32), machine).margin
    estimator.known_margins_ = margins
    return pickle.dumps(estimator, 4)


def _other_machine(chance: random.Random, estimator: Any) -> SupportVectors:
    rng, svc = np.random.default_rng(chance.randrange(2**32)), estimator.svc_
    k, (n, d) = len(svc._n_support), svc.support_vectors_.shape
    sign = -1 if k == 2 else 1
    scale = chance.choice((1e-300, 1e-3, 1.0, 10.0, 1e3, 1e50))
    svc.dual_coef_ = rng.normal(size=(k - 1, n)).clip(-1, 1) * scale
    svc.intercept_ = rng.normal(size=k * (k - 1) // 2).clip(-1, 1) * scale
    if chance.random() < 0.3:
        svc.dual_coef_[:, rng.integers(n)] = 0.0
        svc.intercept_[:] = chance.choice((0.0, 1e5, -1e5, 1e100))
    svc._dual_coef_, svc._intercept_ = sign * svc.dual_coef_, sign * svc.intercept_
    svc.support_vectors_ = np.rint(rng.uniform(-1, 1, (n, d)) * chance.choice((0, 1, 200, 290, 500)))
    shape, longest = estimator.projection_.shape, chance.choice((0, 1, 200, 250, 400))
    estimator.projection_ = np.rint(rng.uniform(-1, 1, shape) * longest).astype(np.float32)
    counts = 1 + rng.multinomial(n - k, rng.dirichlet(np.ones(k) * chance.choice((0.1, 1, 10))))
    svc._n_support = counts.astype(np.int32)
    svc.support_ = np.arange(n, dtype=np.int32)
    svc._gamma = svc.gamma = float(chance.choice((1e-300, 1e-9, 1e-6, 1.0, 1e6)))
    return SupportVectors(
        svc.support_vectors_.astype(np.float32),
        counts.astype(np.int64),
        svc.dual_coef_,
        svc.intercept_,
        svc._gamma,
        estimator.projection_,
    )


def mutate_card(chance: random.Random, good: bytes) -> bytes:
    """Entries of the card."""
    estimator = pickle.loads(good)
    for _ in range(chance.randint(1, 3)):
        name = chance.choice(sorted(estimator.card_))
        old = estimator.card_[name]
        estimator.card_[name] = chance.choice(
            (
                old,
                None,
                0,
                1,
                -1,
                0.5,
                2**62,
                2**63,
                "x",
                "\x1b[2J",
                [],
                {},
                ["x"],
                [old],
                {"0": old},
                True,
            )
        )
    return pickle.dumps(estimator, 4)


BLIND: list[Mutate] = [flip_bytes, flip_head_and_tail, cut_or_repeat]
STRUCTURED: list[Mutate] = [
    mutate_opcodes,
    mutate_numbers,
    mutate_arrays,
    mutate_fields,
    resealed,
    mutate_card,
]

if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
