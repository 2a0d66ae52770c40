"""A real browser without a screen, for the tests of the pages and for the README's pictures."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DRIVERS = ("chromedriver",)

FLAGS = """
    --headless --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --disable-extensions --hide-scrollbars
    --force-device-scale-factor=1 --font-render-hinting=none
""".split()


def _found(names: tuple[str, ...]) -> str | None:
    return next((path for name in names if (path := shutil.which(name))), None)


def why_no_browser() -> str:
    """What is missing for a browser test; empty where nothing is."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "no selenium: pip install '.[test]'"
    if not _found(BROWSERS):
        return "no Chromium: apt-get install chromium chromium-driver"
    return "" if _found(DRIVERS) else "no chromedriver: apt-get install chromium-driver"


@contextmanager
def browser(folder: Path, *, dark: bool = False) -> Iterator[Any]:
    """Start Chromium with a profile and a download folder in `folder`; gives a selenium driver."""
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    options = ChromeOptions()
    options.binary_location = _found(BROWSERS) or ""
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    if getattr(os, "geteuid", lambda: 1)() == 0:
        options.add_argument("--no-sandbox")
    options.add_experimental_option("prefs", {"download.default_directory": str(folder / "downloads")})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options, ChromeService(_found(DRIVERS)))
    try:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        yield driver
    finally:
        driver.quit()


def size(driver: Any, width: int, height: int, *, scale: float = 1, phone: bool = False) -> None:
    """Give the page a size in CSS px."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


@contextmanager
def media(driver: Any, *, dark: bool = False, forced: bool = False, kind: str = "") -> Iterator[None]:
    """Show pages as in dark mode, with forced colours, or on paper (`kind="print"`)."""

    def emulate(scheme: str, colors: str, shown: str) -> None:
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "forced-colors", "value": colors},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": shown, "features": features})

    emulate("dark" if dark else "light", "active" if forced else "none", kind)
    try:
        yield
    finally:
        emulate("light", "none", "")


def wait_for_next_group(driver: Any) -> None:
    """Wait while a finished group is still shown: a key would open the next one, and label nothing."""
    from selenium.webdriver.support.ui import WebDriverWait

    count = "return document.getElementById('group-count').textContent"
    WebDriverWait(driver, 60, 0.05).until(lambda _: "next: " not in driver.execute_script(count))


def requests(driver: Any) -> list[str]:
    """What the browser asked for since the last call, but the page itself and what is embedded."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    refused = {m["params"]["requestId"] for m in messages if m["params"].get("blockedReason") == "csp"}
    urls = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
        and message["params"]["requestId"] not in refused
    ]
    return [
        url
        for url in urls
        if not url.startswith(("file:", "data:", "blob:", "chrome:", "chrome-untrusted:"))
    ]


def errors(driver: Any) -> list[str]:
    """What the console said since the last call."""
    return [entry["message"] for entry in driver.get_log("browser")]
