"""The page in a real browser: Debian's Chromium, headless, driven by Playwright. Skipped where there is no browser."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from review_cases import AT, HOSTILE, START, event, records, write_out

from minieqt.cli import main
from minieqt.errors import UserError
from minieqt.records.archive import open_archive
from minieqt.records.channel import Instrument
from minieqt.records.selection import Selection
from minieqt.review.desk import Review
from minieqt.review.journal import Journal
from minieqt.review.queue import draw_sample, make_queue
from minieqt.review.state import key_of, read_out
from minieqt.review.waveforms import Waveforms

pytest.importorskip("bokeh", reason="Bokeh is not installed")
ROOT = Path(__file__).resolve().parents[2]
AT_HOSTILE = Instrument("XX", HOSTILE, "", "HH")
ONSETS = [(100, 103), (300, 304)]
EVENTS = [event(p - 0.5, (0.5, 0.9), (s - p + 0.5, 0.9)) for p, s in ONSETS]
TIMEOUT = 60_000  # ms, on a busy machine


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("no Chromium is installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two earthquakes at one station, and one detection at a station with a hostile name."""
    folder = tmp_path_factory.mktemp("page")
    files = records(folder / "a", ONSETS) + records(folder / "b", [(500, 502)], AT_HOSTILE, seed=1)
    hostile = event(499.5, (0.5, 0.9), at=AT_HOSTILE)
    return write_out(folder / "out", [*EVENTS, hostile], files)


class Served:
    """The command itself, in a process that can be killed."""

    def __init__(self, out, port=0):
        program = [sys.executable, "-m", "minieqt", "review", str(out), "--no-browser", "--port", str(port)]
        program += ["--who", "anna", "--first", "9", "--random", "2", "--explain"]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "MINIEQT_KERNELS": "off", "BOKEH_RESOURCES": "cdn"}
        self.process = subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=environment)
        lines = iter(self.process.stdout.readline, "")
        address = next((line.strip() for line in lines if line.startswith("http")), "")
        self.address, _, self.explain = address.rpartition("/")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def served(folder):
    served = Served(folder)
    yield served
    served.kill()


@pytest.fixture
def tab(browser, served):
    tab = open_tab(browser, served)
    yield tab
    tab.close()


def open_tab(browser, served, path="", shows="judged"):
    """A tab that remembers every address it asked for, and what went wrong in it."""
    tab = browser.new_page(viewport={"width": 1200, "height": 900})
    tab.set_default_timeout(TIMEOUT)
    tab.asked, tab.wrong = [], []
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.on("websocket", lambda socket: tab.asked.append(socket.url.replace("ws:", "http:")))
    tab.on("pageerror", lambda error: tab.wrong.append(str(error)))
    tab.on("dialog", lambda dialog: tab.wrong.append(dialog.message))
    tab.goto(served.address + path, wait_until="commit")
    wait_for(tab, shows)
    tab.wait_for_function("Bokeh.documents.length && Bokeh.documents[0].is_idle", timeout=TIMEOUT)
    return tab


def wait_for(tab, text):
    tab.get_by_text(re.compile(text)).first.wait_for(timeout=TIMEOUT)


def place_of(tab, ms):
    """Where a time (ms since 1970) stands on the screen, in the first panel."""
    return tab.evaluate(
        """(ms) => {
            const view = Bokeh.index.find_one(Bokeh.documents[0].get_model_by_name('E'));
            const box = view.canvas_view.el.getBoundingClientRect();
            return [box.left + view.frame.x_scale.compute(ms), box.top + view.frame.bbox.vcenter];
        }""",
        ms,
    )


def line_of(tab, phase):
    """Where a phase's line stands (ms since 1970); None if there is none."""
    return tab.evaluate(f"Bokeh.documents[0].get_model_by_name('{phase} E').location")


def go_on(tab):
    """To the next item of the queue."""
    info = "Bokeh.documents[0].get_model_by_name('info').text"
    before = tab.evaluate(info)
    tab.keyboard.press("n")
    tab.wait_for_function(f"(before) => {info} != before", arg=before)


def wait_until(tab, out, holds):
    """Until the journal on the disk is as it should be; the journal."""
    for _ in range(TIMEOUT // 100):
        journal = Journal(out)
        if holds(journal):
            return journal
        tab.wait_for_timeout(100)
    raise AssertionError(f"not saved in time; the journal holds {journal.corrections}")


def drag(tab, phase, seconds, hold=0, let_go=True):
    """Take a phase's line, hold it still for so many ms, and move it so far."""
    ms = line_of(tab, phase)
    tab.wait_for_function(  # a line is caught where it was drawn last
        """([name, ms]) => {
            const view = Bokeh.index.find_one(Bokeh.documents[0].get_model_by_name(name));
            return Math.abs(view.line?.p0.x - view.coordinates.x_scale.compute(ms)) < 0.5;
        }""",
        arg=[f"{phase} E", ms],
    )
    (x, y), (to, _) = place_of(tab, ms), place_of(tab, ms + 1000 * seconds)
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.wait_for_timeout(hold)
    tab.mouse.move((x + to) / 2, y)
    tab.mouse.move(to, y)
    if let_go:
        tab.mouse.up()


def test_a_session(browser, tab, folder, served):
    """Open, zoom, drag, set, take away, undo, judge; a second tab sees it; reloaded, it is still there."""
    wait_for(tab, "0 of 5 judged")
    keys = [key_of(each.instrument, each.start.ns) for each in EVENTS]
    for _ in range(9):  # to the first of the real ones, whatever the queue's order
        at = tab.evaluate("Bokeh.documents[0].get_model_by_name('P E').location")
        if at is not None and abs(at - EVENTS[0].p.time.ns / 1e6) < 1:
            break
        go_on(tab)
    before = line_of(tab, "P")

    shown = "(({ start, end }) => end - start)(Bokeh.documents[0].get_model_by_name('E').x_range)"
    width = tab.evaluate(shown)
    tab.mouse.move(*place_of(tab, before))
    tab.mouse.wheel(0, -300)
    tab.wait_for_function(f"{shown} < {width - 1}")
    tab.wait_for_timeout(1500)  # what the server draws of the new range, and the browser after it

    def p_of(journal):
        return journal.value(keys[0], "p", EVENTS[0].p.time.ns)

    drag(tab, "P", 0.5, hold=1000)
    journal = wait_until(tab, folder, lambda journal: abs(p_of(journal) / 1e6 - before - 500) < 100)
    first, moved = journal.corrections[0], p_of(journal)
    assert (first.event, first.field, first.who) == (keys[0], "p", "anna") and first.old == EVENTS[0].p.time.ns

    tab.mouse.click(*place_of(tab, before + 2000))
    tab.wait_for_timeout(500)
    tab.keyboard.press("s")
    wait_until(tab, folder, lambda journal: abs(journal.value(keys[0], "s", 0) / 1e6 - before - 2000) < 100)
    tab.keyboard.press("Shift+P")
    wait_until(tab, folder, lambda journal: p_of(journal) is None)
    tab.wait_for_function("!Bokeh.documents[0].get_model_by_name('P E').visible")
    x, y = place_of(tab, moved / 1e6)  # where nothing is left to be caught
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x + 40, y)
    tab.mouse.up()
    tab.wait_for_timeout(1000)
    assert p_of(Journal(folder)) is None
    other = open_tab(browser, served)
    tab.keyboard.press("z")
    wait_until(tab, folder, lambda journal: p_of(journal) == moved)
    tab.keyboard.press("a")
    wait_until(tab, folder, lambda journal: journal.value(keys[0], "verdict") == "accepted")
    wait_for(other, "1 of 5 judged")
    tab.reload(wait_until="commit")
    wait_for(tab, "1 of 5 judged")
    tab.wait_for_function("Bokeh.documents.length && Bokeh.documents[0].is_idle")
    tab.keyboard.press("g")
    tab.wait_for_function("Bokeh.documents[0].get_model_by_name('section').visible")
    tab.keyboard.press("t")
    axes = "Bokeh.documents[0].get_model_by_name('E').left.map((axis) => axis.visible).join()"
    tab.wait_for_function(f"{axes} == 'false,true'")
    tab.wait_for_function("Bokeh.documents[0].is_idle")

    for each in (tab, other):
        assert not each.wrong
        assert {url.split("/")[2] for url in each.asked} == {served.address.split("/")[2]}, each.asked
    other.close()


def test_a_hostile_name_is_text(tab):
    for _ in range(5):
        if tab.get_by_text(HOSTILE).count():
            break
        go_on(tab)
    wait_for(tab, f"XX.{HOSTILE}..HH")
    assert not tab.wrong and tab.evaluate("document.querySelectorAll('body script:not([src]):not([type])').length") < 2


def test_looking_into_the_network(browser, tab, served):
    link = tab.get_by_text("look into the network")
    assert link.get_attribute("href") == f"/{served.address.rpartition('/')[2]}/{served.explain}?item=1"
    page = open_tab(browser, served, f"/{served.explain}?item=2", "2 of 5")
    said = "Bokeh.documents[0].get_model_by_name('info').text.split('<br>')"
    before = page.evaluate(said)
    assert before[1].removeprefix("now ") == before[2].removeprefix("as recorded ")
    page.evaluate("Bokeh.documents[0].get_model_by_name('noise Z').value = 2")
    page.wait_for_function(f"(before) => {said}[1] != before[1] && {said}[2] == before[2]", arg=before)
    page.keyboard.press("n")
    wait_for(page, "3 of 5")
    assert page.evaluate("Bokeh.documents[0].get_model_by_name('noise Z').value") == 0
    assert not page.wrong and {url.split("/")[2] for url in page.asked} == {served.address.split("/")[2]}
    page.close()


def test_killed_in_the_middle_of_a_drag(tab, browser, folder, served):
    before = Journal(folder).corrections
    for _ in range(9):
        if line_of(tab, "P") is not None:
            break
        go_on(tab)
    drag(tab, "P", 0.3, let_go=False)
    served.kill()
    wait_for(tab, "The server is gone")
    journal = Journal(folder)
    assert journal.corrections[: len(before)] == before and journal.unreadable == 0
    served.__init__(folder)
    again = open_tab(browser, served)
    wait_for(again, f"{sum(c.field == 'verdict' for c in before)} of 5 judged")
    again.close()


def test_a_line_just_dragged_is_saved_before_the_next_is_shown(tmp_path):
    from bokeh.document import Document

    from minieqt.review.page import Page

    files = records(tmp_path / "a", ONSETS)
    out = read_out(write_out(tmp_path / "out", EVENTS, files))
    review = Review(out, Journal(out.path), make_queue(out, draw_sample(out, {}, 2, 0, 0), 2), "anna")
    page = Page(Document(), review, Waveforms(open_archive(files, Selection()), out.path, None, None), [])
    line, key = page.lines["P"][1], page.desk.item.key
    line.location += 250.0
    assert not review.journal.corrections
    page.act("n")
    (moved,) = review.journal.corrections
    assert (moved.event, moved.field) == (key, "p") and abs(moved.new - moved.old - 250 * 10**6) < 1000
    assert page.desk.item.key != key and len(page.panels.source.data["time"])


def status(url, **headers):
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=TIMEOUT / 1000)
    connection.request("GET", f"/{path}", headers=headers)
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def test_without_the_token_nobody_is_served(served):
    host = served.address.rsplit("/", 1)[0]
    assert status(served.address) == 200
    for path in ("", "/", "/wrong", "/wrong/ws", "/wrong/autoload.js", "/wrong/explain", "/index.html"):
        assert status(host + path) == 404
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "a" * 22 + "==",
    }
    assert status(served.address + "/ws", **upgrade, Origin="http://elsewhere.example") == 403
    port = int(host.rsplit(":", 1)[1])
    addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in addresses - {"127.0.0.1"}:  # on this machine's other addresses nobody listens
        with socket.socket() as outside, pytest.raises(OSError):
            outside.settimeout(2)
            outside.connect((address, port))


def test_what_goes_wrong_is_one_line(folder, served, tmp_path, monkeypatch):
    with pytest.raises(UserError, match="no station_days"):
        main(["review", str(tmp_path), "--no-browser"])
    port = served.address.split(":")[2].split("/")[0]
    with pytest.raises(UserError, match=f"port {port} is in use"):
        main(["review", str(folder), "--no-browser", "--port", port])
    with pytest.raises(UserError, match="nothing to look at"):
        main(["review", str(folder), "--no-browser", "--first", "0", "--random", "0"])
    monkeypatch.setitem(sys.modules, "bokeh.server.server", None)
    with pytest.raises(UserError, match="pip install bokeh"):
        main(["review", str(folder), "--no-browser", "--port", "0"])


def test_export(folder, tmp_path, capsys):
    journal = Journal(folder)
    key = key_of(AT, EVENTS[1].start.ns)
    journal.write("anna", key, "verdict", journal.value(key, "verdict"), "accepted")
    arguments = ["review", str(folder), "--export", str(tmp_path / "reviewed"), "--random", "2"]
    assert main(arguments) == 0
    names = {path.name for path in (tmp_path / "reviewed").iterdir()}
    assert names == {"reviewed.xml", "reviewed.markers", "report.json", "training.hdf5", "training.csv"}
    assert "earthquakes, 0 noise windows" in capsys.readouterr().out
    with pytest.raises(UserError, match="already there"):
        main(arguments)
    assert START < EVENTS[1].start
