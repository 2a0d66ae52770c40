"""What accepted neighbours say of a doubtful picture."""

from __future__ import annotations

import numpy as np

from digitsort import Model
from digitsort.classification.neighbours import Adapted, References, ask_neighbours, unit_of


def references(model: Model, *groups: tuple[float, int, int, bool]) -> References:
    """Rows of groups (place in units, class, how many, accepted), a little apart from one another."""
    rows = [
        (place * _unit(model) + index % 7, class_, accepted)
        for place, class_, count, accepted in groups
        for index in range(count)
    ]
    return References(
        np.array([[round(x), 0] for x, _, _ in rows], np.float32).reshape(-1, 2),
        np.array([class_ for _, class_, _ in rows], np.int64),
        np.array([accepted for _, _, accepted in rows], np.bool_),
        tuple(f"r{index}" for index in range(len(rows))),
    )


def _unit(model: Model) -> float:
    return float(np.sqrt(unit_of(model)))


def ask(
    model: Model,
    known: References,
    *places: float,
    said: int = 1,
    at: float = 0.6,
    sha256: str = "x",
    allowed: tuple[int, ...] | None = None,
) -> Adapted:
    """Ask about pictures at places that the model takes for `said`, and how surely."""
    vectors = np.array([[round(place * _unit(model)), 0] for place in places], np.float32)
    chances = np.full((len(places), 10), (1 - at) / 9)
    chances[:, said] = at
    mask = None if allowed is None else np.isin(np.arange(10), allowed)
    return ask_neighbours(vectors, [sha256] * len(places), chances, known, model, mask)


def test_the_accepted_neighbours_overrule_the_model(model: Model) -> None:
    known = references(model, (0, 0, 30, True), (2, 1, 30, True))
    near_0, near_1 = ask(model, known, 0.1, 1.9, said=1), ask(model, known, 0.1, 1.9, said=0)
    assert [near_0.best.tolist(), near_1.best.tolist()] == [[0, 1], [0, 1]]
    assert near_0.is_sure.all()
    assert near_1.is_sure.all()
    assert np.allclose(near_0.chances.sum(axis=1), 1)


def test_between_two_labels_nothing_is_sure(model: Model) -> None:
    known = references(model, (0, 0, 30, True), (0, 1, 30, True))
    assert not ask(model, known, 0).is_sure.any()


def test_what_lies_far_from_all_that_was_accepted_is_not_sure(model: Model) -> None:
    known = references(model, (0, 1, 30, True))
    assert ask(model, known, 0.9, 1.3, at=0.9999).is_sure.tolist() == [True, False]


def test_what_lies_among_doubtful_rows_is_not_sure(model: Model) -> None:
    """A sign that the model does not know, of whose kind it has accepted a few for a digit."""
    accepted, few = (0.0, 1, 30, True), (0.0, 1, 5, True)
    assert ask(model, references(model, accepted, (0, 1, 10, False)), 0).is_sure.all()
    assert not ask(model, references(model, few, (0, 1, 40, False)), 0).is_sure.any()


def test_a_label_that_was_hardly_accepted_is_not_given(model: Model) -> None:
    assert not ask(model, references(model, (0, 0, 2, True)), 0, said=0).is_sure.any()
    assert not ask(model, references(model), 0, said=0).is_sure.any()


def test_a_picture_is_not_its_own_neighbour(model: Model) -> None:
    known = references(model, (0, 1, 6, True))
    assert ask(model, known, 0, sha256="elsewhere").is_sure.all()
    assert not ask(model, known, 0, sha256="r3").is_sure.any()


def test_only_allowed_labels_are_given(model: Model) -> None:
    known = references(model, (0, 0, 30, True), (2, 1, 30, True))
    asked = ask(model, known, 0.0, allowed=(1, 5))
    assert set(np.flatnonzero(asked.chances[0])) == {1, 5}
    assert not asked.is_sure.any()


def test_an_answer_does_not_depend_on_its_company(model: Model) -> None:
    known = references(model, (0, 0, 30, True), (2, 1, 30, True), (1, 2, 25, False))
    places = np.linspace(-1, 3, 23).tolist()
    together = ask(model, known, *places)
    alone = [ask(model, known, place) for place in places]
    assert np.array_equal(together.chances, np.concatenate([one.chances for one in alone]))
    assert np.array_equal(together.is_sure, np.concatenate([one.is_sure for one in alone]))
