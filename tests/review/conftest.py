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
        # A dialog of the browser cannot be driven; the tests of saving put a file in its place.
        hidden = {"source": "window.showSaveFilePicker = undefined;"}
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", hidden)
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
    # A page that is left with unsaved labels warns; the driver goes on without asking.
    assert [told for told in errors(found) if "'beforeunload'" not in told] == []
