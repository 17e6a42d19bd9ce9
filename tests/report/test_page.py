"""The dossier in a real browser: everything is drawn, nothing is said on the console, nothing is fetched, and data stay data."""

import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from benchside.cli.main import run_app

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
SCRIPT_NAME = "<script>alert(1)</script>"
SPOKEN = re.compile(r":(?:INFO|WARNING|ERROR):CONSOLE[:(]\d+\)?\]\s*(.*)")


def rendered(page: Path, profile: Path) -> tuple[str, list[str]]:
    """Return the page's elements after its scripts have run, and what it said on the console."""
    if CHROMIUM is None:
        pytest.skip("no chromium here: scripts/install_debian.sh installs it")
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", f"--user-data-dir={profile}",
        "--window-size=1200,4000", "--virtual-time-budget=15000", "--enable-logging=stderr", "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, SPOKEN.findall(done.stderr)


def without_scripts(html: str) -> str:
    return re.sub(r"<script\b.*?</script>", "", html, flags=re.DOTALL)


@pytest.fixture(scope="module")
def demo_page(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("demo") / "study"
    assert run_app(["init", str(root)]) == 0
    assert run_app(["run", str(root), "--json"]) == 0
    return root / "dossier.html"


@pytest.fixture(scope="module")
def demo_elements(demo_page, tmp_path_factory) -> tuple[str, list[str]]:
    html, spoken = rendered(demo_page, tmp_path_factory.mktemp("profile"))
    return without_scripts(html), spoken


@pytest.fixture(scope="module")
def hostile_page(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("hostile")
    doses = [1.0, 3.0, 10.0, 30.0, 100.0, 300.0]
    rows = [f'"{SCRIPT_NAME}",{dose},{1 / (1 + dose / 12):.4f}' for dose in doses]
    (root / "responses.csv").write_text("\n".join(["drug,dose,response", *rows]) + "\n", encoding="utf-8")
    (root / "study.toml").write_text(
        f"""[study]
name = "hostile"
title = "{SCRIPT_NAME} as a title"
note = "<img src=x onerror=alert(2)>"
[assay]
format = "responses"
files = ["responses.csv"]
columns = {{ compound = "drug", concentration = "dose", response = "response" }}
concentration_unit = "nM"
response_unit = "fraction"
""",
        encoding="utf-8",
    )
    assert run_app(["run", str(root), "--json"]) == 0
    return root / "dossier.html"


def test_a_console_message_is_noticed(tmp_path):
    """Without this, no message and a message that is overlooked would look the same."""
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><script>console.error('heard'); nowhere.at.all</script>", encoding="utf-8")
    _, spoken = rendered(page, tmp_path / "profile")
    assert any("heard" in line for line in spoken)
    assert any("nowhere is not defined" in line for line in spoken)


def test_the_browser_says_nothing_on_the_console(demo_elements):
    _, spoken = demo_elements
    assert spoken == []


def test_every_chart_and_the_gallery_are_drawn(demo_elements):
    html, _ = demo_elements
    charts = re.split(r'<div class="chart\b', html)[1:]
    assert charts
    for chart in charts:
        assert re.search(r"<svg\b.*?</svg>", chart, flags=re.DOTALL), chart[:200]
    assert "could not be drawn" not in html
    panels = html.split('class="panel"')[1:]
    assert len(panels) == 6
    assert all("<svg" in panel and "IC50" in panel for panel in panels)


def test_a_click_on_a_number_has_its_trail_to_open(demo_elements):
    html, _ = demo_elements
    trails = re.findall(r"<details><summary>.*?</details>", html, flags=re.DOTALL)
    assert trails
    assert any("!Layout!" in trail or "BaF3-01" in trail for trail in trails)


def test_nothing_is_fetched_and_the_content_policy_forbids_it(demo_page):
    html = demo_page.read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)
    assert policy is not None
    assert "default-src 'none'" in unescape(policy[1])
    assert "unsafe-eval" not in policy[1]
    assert re.search(r"script-src[^;]*unsafe-inline", unescape(policy[1])) is None
    elements = without_scripts(html)
    assert re.search(r'(?:src|href|action|srcset)\s*=\s*["\']?\s*(?:https?:)?//', elements, flags=re.IGNORECASE) is None
    assert re.search(r"@import|url\(\s*[\"']?https?:", elements) is None
    assert re.search(r"<script[^>]*\bsrc=", html) is None


def test_a_script_in_the_data_stays_text(hostile_page, tmp_path):
    source = hostile_page.read_text(encoding="utf-8")
    assert SCRIPT_NAME not in source
    html, spoken = rendered(hostile_page, tmp_path / "profile")
    assert spoken == []
    assert SCRIPT_NAME not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3  # the title, the table, the gallery
    assert "<img" not in without_scripts(html)
