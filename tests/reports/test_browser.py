"""The page in headless Chromium: no console message, no request to anywhere, and something to see."""

import html
import http.server
import json
import re
import shutil
import subprocess
import threading

import numpy as np
import pytest
from matplotlib import image

from shadowwalk_report.cells import HEADS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
         "--enable-logging=stderr", "--v=0"]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


class _Recorder(http.server.BaseHTTPRequestHandler):
    """Stands in for the whole network: notes what is asked for, and serves nothing."""

    def do_GET(self):
        self.server.asked.append(self.path)
        self.send_error(404)

    do_POST = do_CONNECT = do_HEAD = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def network():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Recorder)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def browse(page, network, tmp_path, *more, size=(1280, 1600)):
    """(lines on the console, pixels)."""
    shot = tmp_path / "shot.png"
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={size[0]},{size[1]}",
         f"--proxy-server=127.0.0.1:{network.server_port}", "--proxy-bypass-list=<-loopback>", f"--screenshot={shot}",
         *more, page.as_uri()], capture_output=True, text=True, timeout=120)
    assert shot.is_file(), done.stderr
    return [line for line in done.stderr.splitlines() if "CONSOLE" in line], image.imread(shot)[..., :3]


def dom_after(page, network, tmp_path):
    """The page as it is when its scripts have run."""
    done = subprocess.run([CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom",
                           f"--proxy-server=127.0.0.1:{network.server_port}", page.as_uri()], capture_output=True, text=True,
                          timeout=120)
    assert not [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout


def driven(report, network, tmp_path, script):
    """What `script` wrote into the title of a copy of the page that lets it run."""
    text = (report / "index.html").read_text()
    page = tmp_path / "driven.html"
    page.write_text(re.sub(r"script-src '[^']*'", "script-src 'unsafe-inline'", text).replace(
        "</body>", f"<script>{script}</script></body>"))
    return html.unescape(re.search(r"<title>(.*?)</title>", dom_after(page, network, tmp_path), re.DOTALL)[1])


def asked_by_page(network):
    """Without what the browser asks its maker for on its own."""
    return [path for path in network.asked if "google" not in path and "gstatic" not in path]


def test_no_console_message_no_request_and_a_picture(full_report, network, tmp_path):
    console, pixels = browse(full_report / "index.html", network, tmp_path)
    assert console == []
    assert asked_by_page(network) == []
    assert pixels.shape[:2] == (1600, 1280)
    assert pixels.mean() > 0.8  # a light page
    assert len(np.unique((pixels * 255).astype(int).reshape(-1, 3), axis=0)) > 100
    written = (pixels.min(axis=2) < 0.5).any(axis=1)
    assert written.mean() > 0.3 and written[-400:].any()  # text all the way down


def test_dark_mode(full_report, network, tmp_path):
    console, pixels = browse(full_report / "index.html", network, tmp_path, "--blink-settings=preferredColorScheme=0")
    assert console == []
    assert pixels.mean() < 0.25
    assert pixels.max() > 0.85


def test_nothing_overflows_at_1280_pixels(full_report, network, tmp_path):
    _, pixels = browse(full_report / "index.html", network, tmp_path, size=(1280, 6000))
    assert (pixels[:, -12:] == pixels[0, -1]).all()  # the right margin is empty all the way down


def test_the_figures_take_colour_from_the_page(full_report, network, tmp_path):
    """Lines of rcu-counter are vermilion on light pages and a lighter shade on dark ones."""
    def has(pixels, colour):
        wanted = np.array([int(colour[i:i + 2], 16) for i in (1, 3, 5)])
        return (np.abs((pixels * 255).astype(int) - wanted).max(axis=2) <= 2).sum() > 50

    _, light = browse(full_report / "index.html", network, tmp_path, size=(1280, 8000))
    _, dark = browse(full_report / "index.html", network, tmp_path, "--blink-settings=preferredColorScheme=0",
                     size=(1280, 8000))
    assert has(light, "#d55e00") and not has(light, "#f0783c")
    assert has(dark, "#f0783c") and not has(dark, "#d55e00")


COLUMN = """
const table = document.getElementById("cell-table");
const head = (name) => Array.from(table.tHead.rows[0].cells).find((cell) => cell.textContent === name);
const column = (name) => Array.from(table.tBodies[0].rows).filter((row) => !row.hidden).map((row) => {
  const cell = row.cells[head(name).cellIndex];
  return cell.dataset.order === undefined ? cell.textContent : cell.dataset.order;
});
const field = document.querySelector(".filter input");
const type = (text) => { field.value = text; field.dispatchEvent(new Event("input")); };
"""


def test_the_pages_own_policy_lets_its_script_run(full_report, network, tmp_path):
    dom = dom_after(full_report / "index.html", network, tmp_path)
    table = dom[dom.index('id="cell-table"'):]
    assert table.count('<button type="button">') == len(HEADS)
    assert re.search(r"<output[^>]*>(\d+) of \1 cells</output>", dom)
    of_workloads = dom.count('class="cells"') - 1
    assert of_workloads >= 2 and dom.count('<button type="button">') == len(HEADS) + of_workloads * (len(HEADS) - 1)


def test_the_table_is_sorted_by_number_and_what_is_absent_comes_last(full_report, network, tmp_path):
    found = json.loads(driven(full_report, network, tmp_path, COLUMN + """
        const button = head("free p99").querySelector("button");
        button.click(); const up = [column("free p99"), head("free p99").getAttribute("aria-sort")];
        button.click(); const down = [column("free p99"), head("free p99").getAttribute("aria-sort")];
        head("variant").querySelector("button").click();
        document.title = JSON.stringify([up, down, column("variant"), head("free p99").getAttribute("aria-sort")]);"""))
    (up, up_said), (down, down_said), variants, then = found
    assert (up_said, down_said, then) == ("ascending", "descending", None)
    numbers = [float(order) for order in up if order != ""]
    assert len(numbers) > 10 and numbers == sorted(numbers) and set(up[len(numbers):]) == {""}
    assert [float(order) for order in down if order != ""] == numbers[::-1] and set(down[len(numbers):]) == {""}
    assert variants == sorted(variants) and len(set(variants)) > 5


def test_the_table_is_filtered_by_words(full_report, network, tmp_path):
    found = json.loads(driven(full_report, network, tmp_path, COLUMN + """
        type("  HAZARD kvm "); const some = [column("variant"), column("where"), document.querySelector("output").textContent];
        type("no such words"); const none = column("variant").length;
        type(""); document.title = JSON.stringify([some, none, column("variant").length]);"""))
    (variants, guests, said), none, everything = found
    assert set(variants) == {"hazard"} and set(guests) == {"kvm"} and none == 0 and everything > len(variants)
    assert said == f"{len(variants)} of {everything} cells"


def test_the_keyboard_reaches_heads_and_filter(full_report, network, tmp_path):
    found = json.loads(driven(full_report, network, tmp_path, COLUMN + """
        const reached = [field, ...table.tHead.querySelectorAll("button")].map((e) => {
          e.focus(); return document.activeElement === e && e.tabIndex === 0; });
        document.title = JSON.stringify(reached);"""))
    assert len(found) == 1 + len(HEADS) and all(found)


def test_a_workloads_page_is_reached_by_keyboard_and_its_cells_lead_to_their_commands(full_report, network, tmp_path):
    """The links of the heat map take the focus; a link to a cell that is filtered away shows it again."""
    found = json.loads(driven(full_report, network, tmp_path, COLUMN + """
        const links = Array.from(document.querySelectorAll("#heatmap svg a")).map((a) => {
          a.focus(); return [document.activeElement === a, document.querySelector(a.getAttribute("xlink:href")) !== null]; });
        type("no such words");
        const target = document.querySelector(".workload .cells a[href^='#cell-']").getAttribute("href");
        const before = document.querySelector(target).hidden;
        location.hash = target;
        addEventListener("hashchange", () => {
          document.title = JSON.stringify([links, before, document.querySelector(target).hidden]); });"""))
    links, before, after = found
    assert len(links) >= 2 and all(focused and leads for focused, leads in links)
    assert before and not after


def test_without_scripts_the_table_is_there_and_no_filter(full_report, network, tmp_path):
    page = tmp_path / "still.html"
    page.write_text(re.sub(r"<script>.*?</script>", "", (full_report / "index.html").read_text(), flags=re.DOTALL))
    dom = dom_after(page, network, tmp_path)
    assert '<p class="filter" hidden' in dom and dom.count('<tr id="cell-') > 20 and '<button type="button">' not in dom


def test_it_prints_on_paper_that_is_light(full_report, tmp_path):
    out = tmp_path / "page.pdf"
    subprocess.run([CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", f"--print-to-pdf={out}",
                    "--blink-settings=preferredColorScheme=0", (full_report / "index.html").as_uri()], capture_output=True,
                   timeout=120, check=True)
    assert out.read_bytes().startswith(b"%PDF") and out.stat().st_size > 50_000


def test_this_test_would_notice(network, tmp_path):
    """A page that does ask for something, and does complain, is caught by the checks above."""
    page = tmp_path / "bad.html"
    page.write_text('<img src="http://outside.example/x.png"><script>console.error("complaint")</script>')
    console, _ = browse(page, network, tmp_path)
    assert any("complaint" in line for line in console)
    assert asked_by_page(network) == ["http://outside.example/x.png"]
