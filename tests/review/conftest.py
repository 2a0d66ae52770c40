"""A browser for the session, and pages for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.review.browser import browser, errors, requests, size, why_no_browser


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Path]]:
    """A selenium driver, and the folder where its downloads arrive."""
    if reason := why_no_browser():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("chromium")
    with browser(folder) as driver:
        yield driver, folder / "downloads"


@pytest.fixture
def driver(chromium: tuple[Any, Path]) -> Iterator[Any]:
    """The driver, at desktop size; whatever a test does, nothing is asked of a network."""
    found, _ = chromium
    size(found, 1200, 800)
    errors(found)
    yield found
    found.execute_script("localStorage.clear()")
    assert requests(found) == []
    assert errors(found) == []
