# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, driven through chromedriver (W3C WebDriver) with the standard library alone."""
import base64
import json
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

PATIENCE = 60


def until(condition, what):
    """The condition's first true value."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise SystemExit(f"{what} did not come")


class Browser:
    def __init__(self, width=1280, height=860):
        self._size = f"--window-size={width},{height}"

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        self._driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True)
        port = None
        while port is None:
            line = self._driver.stdout.readline()
            if not line:
                raise SystemExit("chromedriver ended at once")
            port = re.search(r"started successfully on port (\d+)", line)
        self._url = f"http://127.0.0.1:{port[1]}/session"
        # Without a sandbox, since root may run this, and it shows nothing but the page under test.
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", self._size,
                     f"--user-data-dir={self._folder.name}"]
        session = self._ask("", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": arguments}}}})
        self._url += "/" + session["sessionId"]
        return self

    def __exit__(self, *_):
        try:
            urllib.request.urlopen(urllib.request.Request(self._url, method="DELETE"), timeout=PATIENCE).close()
        finally:
            self._driver.terminate()
            self._driver.wait()
            self._folder.cleanup()

    def _ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise SystemExit(f"WebDriver: {error.read().decode()}") from error

    def open(self, url):
        self._ask("/url", {"url": url})

    def run(self, script, *arguments):
        """What the script returns."""
        return self._ask("/execute/sync", {"script": script, "args": list(arguments)})

    def save_picture(self, path):
        path.write_bytes(base64.b64decode(self._ask("/screenshot")))
