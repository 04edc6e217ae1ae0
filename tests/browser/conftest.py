"""One server over the embedded model and one browser for all tests of the page."""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from lora_mixer.catalog import load_models_file

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT = 60_000
"""Milliseconds that a page may take to come to what it is to show, on a machine that does much else."""
BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: install Debian's package `chromium`"),
]
SECOND_MODEL = """
[models.quick]
location = "builtin:emoji"
dtype = "float32"
[models.quick.defaults]
steps = 3
sampler = "Euler a"
"""
EVIL = "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"

expect.set_options(timeout=WAIT)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def write_strange_loras(folder: Path) -> None:
    """Write a LoRA whose metadata are an attack, and one of another family."""
    sepia = next(path for path in load_models_file().lora_folders[-1].glob("sepia.safetensors"))
    data = sepia.read_bytes()
    length = struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"] = {"ss_tag_frequency": json.dumps({"a": {EVIL: 9}}), "ss_output_name": EVIL}
    text = json.dumps(header).encode()
    folder.mkdir()
    (folder / "strange.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])
    (folder / "strange.json").write_text(json.dumps({"activation text": EVIL, "description": EVIL}))
    name = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k"
    shapes = {f"{name}.lora_down.weight": [4, 2048], f"{name}.lora_up.weight": [640, 4]}
    table, at = {}, 0
    for key, shape in shapes.items():
        size = 2 * shape[0] * shape[1]
        table[key] = {"dtype": "F16", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(table).encode()
    (folder / "large.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(at))


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server's models.toml, LoRAs and pictures lie."""
    return tmp_path_factory.mktemp("ui")


@pytest.fixture
def loras(served: Path) -> Path:
    """A folder of LoRAs that the running server looks at."""
    return served / "strange"


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve the page over the embedded model, with strange LoRAs in the library; its pictures go into ``folder``."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    write_strange_loras(folder / "strange")
    builtin = load_models_file().path.read_text().replace("loras = [", f'loras = ["{folder}/strange", ', 1)
    (folder / "models.toml").write_text(builtin + SECOND_MODEL)
    command = [sys.executable, "-m", "lora_mixer_app", "ui", "--port", str(port)]
    log = folder / "log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [*command, "--models", folder / "models.toml", "--output", folder / "out"], stdout=out, stderr=out
        )
    try:
        for _ in range(240):
            try:
                with urllib.request.urlopen(url, timeout=5) as answer:
                    if "retry-after" not in answer.headers:  # no longer only what stands before the page
                        break
            except (URLError, ConnectionError, TimeoutError):
                assert server.poll() is None, log.read_text()
            time.sleep(0.5)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="session")
def address(served: Path) -> Iterator[str]:
    """A server that other tests leave pictures, trainings and presets on."""
    with serving(served) as url:
        yield url


@pytest.fixture
def untouched_address(tmp_path: Path) -> Iterator[str]:
    """A server of the test's own: on the page is nothing that another test wrote."""
    with serving(tmp_path) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:  # has an event loop, so it must not outlive the module
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: `SCREENSHOTS` if somebody wants to look at them."""
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 1700})
    open_desk(opened, address)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def one_desk(browser: Browser, address: str) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1440, "height": 900})
    opened.add_init_script("sessionStorage.clear(); localStorage.clear();")  # whatever the page before wrote as it went
    open_desk(opened, address)
    yield opened
    opened.close()


@pytest.fixture
def desk(one_desk: Page) -> Page:
    """The page with a first document, of one step, and nothing rendered by itself."""
    one_desk.reload()
    one_desk.wait_for_selector("#no-strips")
    one_desk.locator("#live input").set_checked(False)
    one_desk.locator("#steps input[type=text]").fill("1")
    one_desk.locator("#steps input[type=text]").press("Tab")
    return one_desk


def open_desk(page: Page, address: str) -> None:
    page.set_default_timeout(WAIT)
    page.goto(address)
    page.wait_for_selector("#no-strips", timeout=2 * WAIT)  # a busy machine may take its time to open a page
    page.locator("#steps input[type=text]").fill("2")


def nameless(page: Page) -> list[str]:
    """Return the controls on the page that have no name for whoever cannot see them."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('input, textarea, button, select')].filter(e =>
            e.offsetParent && !(e.ariaLabel || e.title || e.innerText.trim() || [...(e.labels || [])]
                .some(label => label.innerText.trim()))).map(e => e.outerHTML)"""
    )
    return found


class Log:
    """What a page asked for and complained about: every host of the browser's network log, every error on the console."""

    def __init__(self, page: Page) -> None:
        self.hosts: set[str] = set()
        self.errors: list[str] = []
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname or ""))
        page.on("websocket", lambda socket: self.hosts.add(urlsplit(socket.url).hostname or ""))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def is_clean(self) -> bool:
        """Return whether nobody but this machine was asked (data and blob addresses have no host), and all went well."""
        return self.hosts - {""} == {"127.0.0.1"} and not self.errors
