"""A report in a browser without a network: nothing fails, screen readers and keyboards can use it, no text is cut."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sim.evaluation.compare import compare_into
from sim.report.command import report_command
from sim.report.words import LANGUAGES
from sim.scenario import load

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WHY = "needs Chromium, playwright and axe: make browser-test installs the first, make extras the others"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None or importlib.util.find_spec("axe_playwright_python") is None, reason=WHY
    ),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
SERIOUS = ("serious", "critical")
WIDTHS = (360, 1100)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    asked = [load(name).with_run(scale=1000, months=26, replicates=2) for name in ("baseline", "roadmap")]
    folder = compare_into(asked, out=tmp_path_factory.mktemp("browser"), figures=False)[1]
    return {lang: report_command(str(folder), lang=lang, quiet=True)[0] for lang in LANGUAGES}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture(params=LANGUAGES)
def page(request: pytest.FixtureRequest, browser: Any, files: dict[str, Path]) -> Iterator[Any]:
    """A report opened with the network off, what it asks for and complains of kept in `page.trouble`."""
    context = browser.new_context(offline=True, viewport={"width": WIDTHS[1], "height": 900})
    opened = context.new_page()
    opened.trouble = []
    opened.on("requestfailed", lambda asked: opened.trouble.append(f"failed: {asked.url}"))
    opened.on("request", lambda asked: asked.url.startswith("file:") or opened.trouble.append(asked.url))
    opened.on("console", lambda said: opened.trouble.append(f"{said.type}: {said.text}"))
    opened.on("pageerror", lambda error: opened.trouble.append(str(error)))
    opened.goto(files[request.param].as_uri())
    yield opened
    context.close()


def test_nothing_is_asked_for_and_nothing_fails(page: Any) -> None:
    assert page.trouble == []
    assert page.title() and page.locator("svg").count() >= 6


def test_axe_finds_nothing_serious(page: Any) -> None:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in SERIOUS] == []


def test_the_keyboard_reaches_tables_and_scrolls_them(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.url.endswith("#tables")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#table-1"
    assert page.locator(".wide[tabindex='0'][aria-label]").count() == page.locator("table").count()


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_page(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    clipped = """Array.from(document.querySelectorAll('p, li, h1, h2, h3, figcaption, dd, .note')).filter(
        one => one.scrollWidth > one.clientWidth + 1).map(one => one.textContent.slice(0, 80))"""
    assert page.evaluate(clipped) == []


def test_no_label_of_a_picture_is_clipped(page: Any) -> None:
    """Every drawn letter lies inside its picture."""
    outside = """Array.from(document.querySelectorAll('figure svg')).flatMap(svg => {
        const whole = svg.getBoundingClientRect();
        return Array.from(svg.querySelectorAll('g[id*="text_"]')).filter(one => {
            const box = one.getBoundingClientRect();
            return box.width > 0 && (box.left < whole.left - 1 || box.right > whole.right + 1
                || box.top < whole.top - 1 || box.bottom > whole.bottom + 1);
        }).map(one => svg.getAttribute('aria-label').slice(0, 60) + ': ' + one.id);
    })"""
    assert page.evaluate(outside) == []
