"""Control headless Chromium over a pipe with the DevTools protocol, without a driver.

https://chromedevtools.github.io/devtools-protocol/ and `--remote-debugging-pipe`: messages end with a zero byte, the
browser reads descriptor 3 and writes descriptor 4.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

CHROMIUM = Path("/usr/bin/chromium")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars", "--remote-debugging-pipe",
    "--disable-dev-shm-usage",
)  # fmt: skip


class ScriptError(Exception):
    """Error of a script in the page."""


@dataclass
class Browser:
    """One page of a browser."""

    commands: BinaryIO
    responses: BinaryIO
    session: str = ""
    number: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method of the browser, and return its answer."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.commands.write(json.dumps(message).encode() + b"\0")
        self.commands.flush()
        while (response := self._read_message()).get("id") != self.number:
            self.events.append(response)
        assert "result" in response, response
        return response["result"]

    def wait(self, event: str) -> None:
        """Wait for an event since the last wait for it."""
        while event not in {each.get("method") for each in self.events}:
            self.events.append(self._read_message())
        self.events = [each for each in self.events if each.get("method") != event]

    def open(self, url: str) -> None:
        """Open a page, and wait until it is loaded."""
        self.call("Page.navigate", url=url)
        self.wait("Page.loadEventFired")

    def leave(self) -> None:
        """Leave the page, which would otherwise continue its requests, and discard its console messages."""
        self.open("about:blank")
        self.call("Runtime.evaluate", expression="0")  # messages of the page arrive before this answer
        self.events.clear()

    def run(self, script: str) -> Any:
        """Run a script in the page, and return its result. A promise is awaited."""
        response = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if "exceptionDetails" in response:
            raise ScriptError(response["exceptionDetails"]["exception"]["description"])
        return response["result"].get("value")

    def resize(self, width: int, height: int) -> None:
        """Set the width and height of the page."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def set_preferences(self, **preferences: str) -> None:
        """Set preferences of the reader, such as `color_scheme="dark"`."""
        media_features = [
            {"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in preferences.items()
        ]
        self.call("Emulation.setEmulatedMedia", features=media_features)

    def press_key(self, key: str) -> None:
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=9)

    def take_screenshot(self) -> bytes:
        """Return a screenshot of the page, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])

    def read_console(self) -> list[str]:
        """Return the console messages: errors, and requests that the policy blocked."""
        self.call("Runtime.evaluate", expression="0")
        entries = [each["params"] for each in self.events if each.get("method") == "Log.entryAdded"]
        exceptions = [each["params"] for each in self.events if each.get("method") == "Runtime.exceptionThrown"]
        return [each["entry"]["text"] for each in entries] + [str(each) for each in exceptions]

    def _read_message(self) -> dict[str, Any]:
        message = bytearray()
        while (byte := self.responses.read(1)) != b"\0":
            assert byte, "the browser has ended"
            message += byte
        decoded: dict[str, Any] = json.loads(message)
        return decoded


@contextmanager
def run_browser(profile: Path) -> Iterator[Browser]:
    """Run a browser with a new profile during the block."""
    browser_input, our_output = os.pipe()
    our_input, browser_output = os.pipe()

    shell = ["bash", "-c", f'exec "$0" "$@" 3<&{browser_input} 4>&{browser_output}', str(CHROMIUM)]
    command = [*shell, *QUIET, f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(
        command, pass_fds=(browser_input, browser_output), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        os.close(browser_input)
        os.close(browser_output)
        try:
            with os.fdopen(our_output, "wb") as commands, os.fdopen(our_input, "rb") as responses:
                browser = Browser(commands, responses)
                (target,) = [
                    each for each in browser.call("Target.getTargets")["targetInfos"] if each["type"] == "page"
                ]
                browser.session = browser.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)[
                    "sessionId"
                ]
                for domain in ("Page", "Runtime", "Log"):
                    browser.call(f"{domain}.enable")
                browser.call("Emulation.setFocusEmulationEnabled", enabled=True)
                yield browser
            process.wait(30)  # closing the pipe ends the browser, which then removes its files
        finally:
            process.kill()
