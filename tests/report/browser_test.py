"""Opens reports in headless Chromium: no errors, nothing fetched, every chart drawn, nothing injected.

Usage: browser_test.py MAKE_SAMPLE. Exits 77 (skipped) with a reason where there is no browser.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SKIPPED = 77
SECTIONS = "result progress lineage timing archive tree outcomes skills reproduce".split()
make_sample = ""


def missing() -> str:
    """Why the test cannot run here; empty when it can."""
    if not shutil.which("chromium"):
        return "chromium is not installed (apt-get install chromium)"
    if not shutil.which("chromedriver"):
        return "chromedriver is not installed (apt-get install chromium-driver)"
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "selenium is not installed for this interpreter (apt-get install python3-selenium)"
    return ""


class ReportInChromium(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        cls.folder = tempfile.TemporaryDirectory(prefix="ksmith-report-")
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for flag in (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--window-size=1280,1000",
            f"--user-data-dir={cls.folder.name}/profile",
        ):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        cls.browser = webdriver.Chrome(
            options=options, service=Service(shutil.which("chromedriver"))
        )

    @classmethod
    def tearDownClass(cls) -> None:
        cls.browser.quit()
        cls.folder.cleanup()

    def open(self, *arguments: str) -> Path:
        page = Path(self.folder.name) / ("-".join(arguments) + ".html")
        subprocess.run([make_sample, str(page), *arguments], check=True)
        self.browser.get("about:blank")
        for kind in ("browser", "performance"):
            self.browser.get_log(kind)  # forgets what the browser's own start page did
        self.browser.get(page.as_uri())
        return page

    def script(self, text: str):
        return self.browser.execute_script("return " + text)

    def expect_quiet(self) -> None:
        """No console message, and no request but the file itself."""
        self.assertEqual(self.browser.get_log("browser"), [])
        urls = []
        for entry in self.browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                urls.append(message["params"]["request"]["url"])
        self.assertEqual([url for url in urls if not url.startswith(("file:", "data:"))], [])
        self.assertLessEqual(len(urls), 1)

    def test_every_section_is_there_and_every_chart_is_drawn(self) -> None:
        self.open("150")
        for section in SECTIONS:
            height = self.script(f"document.getElementById('{section}').offsetHeight")
            self.assertGreater(height, 100, section)
        marks = "document.querySelectorAll('#%s svg:not([hidden]) %s').length"
        self.assertGreater(self.script(marks % ("progress", "circle")), 150)
        self.assertGreater(self.script(marks % ("progress", "path.best")), 0)
        self.assertGreater(self.script(marks % ("tree", "circle")), 150)
        self.assertGreater(self.script(marks % ("timing", "path.density")), 8)
        self.assertGreater(self.script("document.querySelectorAll('#archive td.cell').length"), 5)
        blank = self.script(
            "[...document.querySelectorAll('svg')].filter(s => s.getClientRects().length &&"
            " !s.querySelector('path, circle')).length"
        )
        self.assertEqual(blank, 0)
        self.assertTrue(self.script("[...document.querySelectorAll('svg')].every(s => s.ariaLabel)"))
        self.expect_quiet()

    def test_a_benchmark_is_drawn_and_stays_inside_a_narrow_page(self) -> None:
        self.open("bench")
        for section in ("metrics", "rounds", "fast_p", "tasks", "how"):
            self.assertGreater(
                self.script(f"document.getElementById('{section}').offsetHeight"), 100, section
            )
        lines = "document.querySelectorAll('#%s svg path.median').length"
        self.assertEqual(self.script(lines % "rounds"), 4)
        self.assertEqual(self.script(lines % "fast_p"), 4)
        self.assertEqual(self.script("document.querySelectorAll('#tasks tbody tr').length"), 60)
        self.narrow()
        self.expect_quiet()
        self.open("bench", "hostile")
        self.assertEqual(self.script("document.querySelectorAll('img').length"), 0)
        self.narrow()
        self.expect_quiet()

    def test_the_switch_and_the_axes_change_what_is_shown(self) -> None:
        self.open("150")
        visible = "[...document.querySelectorAll('[data-panel=%s]')].filter(p => !p.hidden).map(p => p.dataset.name)"
        self.assertEqual(self.script(visible % "curve"), ["steps"])
        self.browser.execute_script("document.querySelector('[data-show=time]').click()")
        self.assertEqual(self.script(visible % "curve"), ["time"])
        self.browser.execute_script(
            "const s = document.querySelector('[data-select=map]');"
            "s.value = 'p0'; s.dispatchEvent(new Event('change'))"
        )
        self.assertEqual(self.script(visible % "map"), ["p0"])
        self.expect_quiet()

    def test_a_hover_tells_the_candidate(self) -> None:
        self.open("150")
        self.browser.execute_script(
            "const c = document.querySelector('#progress circle[data-c=\"2\"]');"
            "c.dispatchEvent(new PointerEvent('pointermove', {bubbles: true, clientX: 9, clientY: 9}))"
        )
        self.assertIn("c2 baseline_flags", self.script("document.getElementById('tip').innerText"))

    def test_hostile_text_stays_text(self) -> None:
        self.open("80", "hostile")
        self.browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
        self.browser.execute_script(
            "document.querySelectorAll('[data-c]').forEach(c => c.dispatchEvent("
            "new PointerEvent('pointermove', {bubbles: true})))"
        )
        self.assertEqual(self.script("document.scripts.length"), 2)
        self.assertEqual(self.script("document.querySelectorAll('img, iframe, b script').length"), 0)
        self.assertIn("alert('source')", self.script("document.body.innerText"))
        self.expect_quiet()

    def test_a_narrow_page_does_not_scroll_sideways(self) -> None:
        self.open("150")
        self.narrow()

    def narrow(self) -> None:
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": 400, "height": 900, "deviceScaleFactor": 1, "mobile": True},
        )
        try:
            self.assertLessEqual(self.script("document.documentElement.scrollWidth"), 400)
        finally:
            self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def test_five_hundred_candidates_stay_small(self) -> None:
        self.assertLess(self.open("500").stat().st_size, 2 << 20)
        self.expect_quiet()


if __name__ == "__main__":
    reason = missing()
    if reason:
        print(f"SKIPPED: {reason}")
        sys.exit(SKIPPED)
    make_sample = sys.argv.pop(1)
    unittest.main(verbosity=2)
