"""Firefox without a screen, driven over WebDriver BiDi: Debian has no geckodriver."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

BROWSERS = ("firefox-esr", "firefox")
WAIT_S = 60

PREFERENCES = {
    "browser.download.folderList": 2,
    "browser.download.useDownloadDir": True,
    "browser.download.alwaysOpenPanel": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}


def why_no_firefox() -> str:
    """Return what is missing to run these tests; empty if nothing is."""
    try:
        import websocket  # noqa: F401
    except ImportError:
        return "no websocket-client: pip install '.[test]'"
    return "" if _found() else "no Firefox: apt-get install firefox-esr"


def _found() -> str | None:
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


@dataclass
class Firefox:
    """A window of the browser; `numbers` gives the ids of commands."""

    socket: Any
    numbers: Iterator[int]
    context: str = ""

    def ask(self, method: str, **params: Any) -> Any:
        """Send a command, and return its result; events are passed over."""
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == number:
                if answer["type"] == "error":
                    raise RuntimeError(f"{method}: {answer['error']}: {answer['message']}")
                return answer["result"]

    def open(self, url: str) -> None:
        """Load a page."""
        self.ask("browsingContext.navigate", context=self.context, url=url, wait="complete")

    def size(self, width: int, height: int) -> None:
        """Give the page a size in CSS px."""
        viewport = {"width": width, "height": height}
        self.ask("browsingContext.setViewport", context=self.context, viewport=viewport)

    def script(self, code: str) -> Any:
        """Return the value of an expression, which is text, a number or a list of such."""
        answer = self.ask(
            "script.evaluate",
            expression=f"JSON.stringify({code})",
            target={"context": self.context},
            awaitPromise=True,
        )
        if answer["type"] != "success":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"].get("value", "null"))

    def text(self, query: str) -> str:
        """Return the text of an element."""
        return str(self.script(f"document.querySelector({query!r}).textContent"))

    def press(self, *keys: str, held: str = "") -> None:
        """Press keys one after the other, while `held` is down."""
        each = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        around = [{"type": kind, "value": held} for kind in ("keyDown", "keyUp") if held]
        actions = [*around[:1], *each, *around[1:]]
        source = {"type": "key", "id": "keyboard", "actions": actions}
        self.ask("input.performActions", context=self.context, actions=[source])

    def hold(self, key: str) -> None:
        """Hold a key until it has repeated."""
        actions = [{"type": "keyDown", "value": key}] * 4 + [{"type": "keyUp", "value": key}]
        source = {"type": "key", "id": "keyboard", "actions": actions}
        self.ask("input.performActions", context=self.context, actions=[source])

    def click(self, query: str) -> None:
        """Click in the middle of an element."""
        box = self.script(f"document.querySelector({query!r}).getBoundingClientRect().toJSON()")
        place = {"x": round(box["x"] + box["width"] / 2), "y": round(box["y"] + box["height"] / 2)}
        actions = [
            {"type": "pointerMove", **place},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        source = {"type": "pointer", "id": "mouse", "actions": actions}
        self.ask("input.performActions", context=self.context, actions=[source])


@contextmanager
def firefox(folder: Path) -> Iterator[Firefox]:
    """Start Firefox with a profile and a download folder in `folder`."""
    import websocket

    profile = folder / "profile"
    profile.mkdir(parents=True)
    preferences = {**PREFERENCES, "browser.download.dir": str(folder / "downloads")}
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in preferences.items()]
    (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
    process = subprocess.Popen(
        [
            _found() or "",
            "--headless",
            "--no-remote",
            "--profile",
            profile,
            "--remote-debugging-port=0",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "HOME": str(folder), "MOZ_DISABLE_AUTO_SAFE_MODE": "1"},
    )
    try:
        # Firefox accepts connections only from programs, not from web pages, which send an origin.
        socket = websocket.create_connection(
            f"{_address(process)}/session", timeout=WAIT_S, suppress_origin=True
        )
        window = Firefox(socket, count(1))
        window.ask("session.new", capabilities={})
        window.context = window.ask("browsingContext.getTree")["contexts"][0]["context"]
        yield window
        socket.close()
    finally:
        process.terminate()
        process.communicate(timeout=WAIT_S)


def _address(process: subprocess.Popen[str]) -> str:
    """Return the address that Firefox says it listens on."""
    assert process.stderr is not None
    for said in process.stderr:
        if found := re.search(r"ws://\S+", said):
            return found[0].rstrip("/")
    raise RuntimeError("Firefox ended before it listened")
