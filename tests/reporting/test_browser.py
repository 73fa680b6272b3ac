"""The report in a real browser: what a reader clicks does what it says."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest

from skxrd.reporting import KnownCompounds, write_report

playwright_api = pytest.importorskip("playwright.sync_api")
for package in ("jinja2", "plotly", "itables"):
    pytest.importorskip(package)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), None)
if CHROMIUM is None:
    pytest.skip("no Chromium was found", allow_module_level=True)

pytestmark = pytest.mark.slow
expect = playwright_api.expect
TIMEOUT = 60_000  # milliseconds; a page holds 5 MB of programs, and machines of tests are slow
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
TWO_THETA = np.linspace(10, 80, 701)
N = 60


def sticks(n):
    rng = np.random.default_rng(0)
    patterns = np.zeros((n, len(TWO_THETA)), dtype=np.float32)
    for pattern in patterns:
        pattern[rng.choice(len(TWO_THETA), 20, replace=False)] = rng.uniform(1, 100, 20)
    return patterns


def make_candidates(n=N):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "id": [f"mp-{row}" for row in range(n)],
            "formula": np.resize(["Li3PS4", "Li7La3Zr2O12", "LiCoO2", "LiCl"], n),
            "output_frequency": 10 - np.arange(n) * 11 // n,
            "mean_probability": np.linspace(0.95, 0.05, n),
            "probability_std": 0.1,
            "label": np.resize(np.array([1, None, None, 0, None], dtype=object), n),
            "similarity": rng.uniform(0.1, 0.9, n),
            "nearest_conductor": np.resize(["Li6PS5Cl-216", "Li3N-191"], n),
            "nearest_conductor_formula": np.resize(["Li6PS5Cl", "Li3N"], n),
            "novelty": rng.uniform(0, 1, n),
            "spacegroup_symbol": np.resize(["Pnma", "Ia-3d"], n),
            "contains_redox_active": np.resize([False, False, True, False], n),
            "e_above_hull": np.linspace(0, 0.1, n),
        },
        index=pd.RangeIndex(1, n + 1, name="rank"),
    )
    # Names that would be programs if they were taken for HTML.
    table.loc[3, ["id", "spacegroup_symbol"]] = ["<img src=x onerror=alert(1)>/#%", "</script><b>P"]
    return table


SCORES = pd.DataFrame(
    [
        ("out_of_bag", "macro_f1", 0.74, 0.65, 0.83, 100),
        ("resubstitution", "macro_f1", 0.95, np.nan, np.nan, 100),
    ],
    columns=["evaluation", "metric", "value", "low", "high", "n"],
)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    known = KnownCompounds(
        ["Li6PS5Cl-216", "Li3N-191"], sticks(2), formulas=["Li6PS5Cl", "Li3N"], labels=[1, 1]
    )
    return write_report(
        tmp_path_factory.mktemp("report") / "report.html",
        make_candidates(),
        two_theta=TWO_THETA,
        patterns=sticks(N),
        known=known,
        scores=SCORES,
        n_members=10,
        about={"command": "skxrd screen --out a/very/long/path/" + "x" * 120},
    )


@pytest.fixture(scope="module")
def browser():
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Open a file; at the end no page may have complained or asked for anything."""
    contexts, problems = [], []

    def open_page(path, *, viewport=DESKTOP, color_scheme="light", address="", **options):
        context = browser.new_context(viewport=viewport, color_scheme=color_scheme, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(TIMEOUT)
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
        page.on(
            "console",
            lambda message: (
                problems.append(message.text) if message.type in ("error", "warning") else None
            ),
        )
        page.on(
            "request", lambda request: problems.append(request.url) if leaves(request) else None
        )
        page.goto(f"{path.as_uri()}{address}")
        page.wait_for_selector("html[data-ready=yes]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems


def leaves(request):
    """Whether a request asks for more than the file itself and what lies in its memory."""
    is_document = request.resource_type == "document" and request.url.startswith("file:")
    return not (is_document or request.url.startswith(("data:", "blob:")))


def rows(page):
    return page.locator("#candidates tbody tr")


def column(page, name):
    place = page.locator("#candidates thead th").evaluate_all(
        "(heads, name) => heads.findIndex((head) => head.innerText.trim().startsWith(name))", name
    )
    return rows(page).locator(f"td:nth-child({place + 1})").all_inner_texts()


def info(page):
    return page.locator(".dt-info")


def has_page_scroll(page):
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_table_sorts(report, open_page):
    page = open_page(report)
    expect(rows(page)).to_have_count(25)
    assert column(page, "#")[:2] == ["1", "2"]
    header = page.get_by_role("columnheader", name="Similarity")
    for order, is_falling in (("descending", True), ("ascending", False)):  # the best first
        header.click()
        expect(header).to_have_attribute("aria-sort", order)  # the table is drawn a little later
        found = [float(text) for text in column(page, "Similarity")]
        assert found == sorted(found, reverse=is_falling)


def test_search_and_filters(report, open_page):
    page = open_page(report)
    page.get_by_label("Search").fill("Li7La3")
    expect(info(page)).to_contain_text("of 15 candidates")
    page.get_by_role("button", name="Reset", exact=True).click()
    expect(info(page)).to_have_text("1 to 25 of 60 candidates")

    page.get_by_label("Minimal votes").fill("9")
    n_high = int((make_candidates()["output_frequency"] >= 9).sum())
    expect(info(page)).to_contain_text(f"of {n_high} candidates (of 60)")
    assert {text.split("/")[0] for text in column(page, "Votes")} == {"9", "10"}
    page.get_by_label("Minimal votes").fill("0")

    page.get_by_label("redox active").check()
    expect(info(page)).to_contain_text("of 45 candidates")
    page.get_by_label("redox active").uncheck()

    page.get_by_label("Maximal novelty").fill("0.5")
    n_near = int((make_candidates()["novelty"] <= 0.5).sum())
    expect(info(page)).to_contain_text(f"of {n_near} candidates")
    page.get_by_label("Maximal novelty").fill("1")

    page.get_by_role("textbox", name="Elements").fill("Li O -Co")
    expect(info(page)).to_contain_text("of 15 candidates")
    page.get_by_role("textbox", name="Elements").fill("")

    for option, n in [("none", 36), ("any", 24), ("1", 12)]:
        page.get_by_role("combobox", name="Known label").select_option(label=option)
        expect(info(page)).to_contain_text(f"of {n} candidates")
    page.get_by_label("Search").fill("no such thing")
    expect(rows(page)).to_have_text("No candidate passes the filters.")
    page.get_by_role("button", name="Reset", exact=True).click()
    expect(info(page)).to_have_text("1 to 25 of 60 candidates")


def test_candidate_opens(report, open_page):
    page = open_page(report)
    rows(page).nth(1).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("heading")).to_have_text("Li7La3Zr2O12")
    expect(page).to_have_url(re.compile("#mp-1$"))
    expect(dialog.locator("#pattern svg.main-svg").first).to_be_visible()
    # the candidate upwards and the known conductor downwards
    expect(dialog.locator("#pattern .scatterlayer .trace")).to_have_count(2)
    expect(dialog.locator("#pattern .legend")).to_contain_text("Li3N")
    expect(dialog.locator(".gauges")).to_contain_text("10 of 10")
    expect(dialog.locator("#lines")).to_contain_text("Strongest lines:")
    dialog.get_by_label("Next candidate").click()
    expect(page.locator("#candidate-place")).to_have_text("3 of 60, rank 3")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(dialog.get_by_role("heading")).to_have_text("Li3PS4")
    expect(dialog.get_by_label("Previous candidate")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page).not_to_have_url(re.compile("#"))


def test_keyboard(report, open_page):
    page = open_page(report)
    rows(page).nth(0).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("heading")).to_have_text("Li7La3Zr2O12")
    page.keyboard.press("Escape")
    expect(rows(page).nth(1)).to_be_focused()


def test_deep_link(report, open_page):
    page = open_page(report, address="#mp-41")
    expect(page.locator("#candidate .subtitle")).to_have_text("mp-41")
    page.get_by_label("Close").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    for nobody in ("#mp-4711", "#%E0%A4%A", "#section-figures"):
        page.evaluate("(address) => { location.hash = address; }", nobody)
        expect(page.get_by_role("dialog")).to_be_hidden()
    page.locator(".best a").first.click()
    expect(page.locator("#candidate .subtitle")).to_have_text("mp-0")
    page.go_back()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_names_are_no_programs(report, open_page):
    page = open_page(report)
    rows(page).nth(2).click()
    name = make_candidates()["id"].iloc[2]
    expect(page.locator("#candidate .subtitle")).to_have_text(name)
    expect(page.locator("#candidate .facts")).to_contain_text("</script><b>P")
    assert page.locator("#candidate img").count() == 0
    page.reload()  # its address holds it as well
    page.wait_for_selector("html[data-ready=yes]")
    expect(page.locator("#candidate .subtitle")).to_have_text(name)


def test_dark(report, open_page):
    page = open_page(report)
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    rows(page).nth(0).click()
    stroke = "#pattern .scatterlayer .trace path"
    before = page.locator(stroke).first.evaluate("(path) => getComputedStyle(path).stroke")
    page.keyboard.press("Escape")
    page.get_by_label("Dark colors").click()
    expect(page.locator("html")).to_have_class("dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    rows(page).nth(0).click()
    assert page.locator(stroke).first.evaluate("(path) => getComputedStyle(path).stroke") != before
    page.keyboard.press("Escape")
    page.get_by_label("Dark colors").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == light


def test_theme_of_the_system(report, open_page):
    expect(open_page(report, color_scheme="dark").locator("html")).to_have_class("dark")


def test_figures(report, open_page):
    page = open_page(report)
    plots = page.locator("[data-figure]")
    for place in range(plots.count()):
        plots.nth(place).scroll_into_view_if_needed()
        expect(plots.nth(place).locator("svg.main-svg").first).to_be_visible()
    assert plots.count() == 5
    page.locator("[data-figure=similarity]").evaluate(
        "(plot) => plot.emit('plotly_click', { points: [{ customdata: 'mp-5' }] })"
    )
    expect(page.locator("#candidate .subtitle")).to_have_text("mp-5")


def test_columns_and_download(report, open_page):
    page = open_page(report)
    expect(page.locator("#candidates thead")).not_to_contain_text("Spread")
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("button", name="Spread of probability").click()
    expect(page.locator("#candidates thead")).to_contain_text("Spread")
    page.keyboard.press("Escape")
    page.get_by_label("Minimal votes").fill("10")
    expect(info(page)).to_contain_text("(of 60)")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV of these rows").click()
    table = pd.read_csv(download.value.path())
    expected = make_candidates().query("output_frequency == 10").reset_index()
    assert table.columns.tolist() == expected.columns.tolist()
    assert table["id"].tolist() == expected["id"].tolist()
    np.testing.assert_allclose(table["novelty"], expected["novelty"], rtol=1e-5)


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_fits_the_screen(report, open_page, viewport, color_scheme):
    is_phone = viewport is PHONE
    page = open_page(
        report,
        viewport=viewport,
        color_scheme=color_scheme,
        is_mobile=is_phone,
        has_touch=is_phone,
    )
    assert not has_page_scroll(page)
    rows(page).nth(1).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate("document.getElementById('candidate').scrollWidth <= innerWidth")
    assert min(contrasts(page).values()) >= 4.5


def contrasts(page):
    """Contrast of the colors of texts with the grounds that they stand on, by WCAG 2."""
    pairs = [
        ("text", "ground"),
        ("muted", "ground"),
        ("accent", "ground"),
        ("text", "raised"),
        ("muted", "raised"),
        ("warn-text", "warn"),
        ("text", "accent-soft"),
    ]
    colors = page.evaluate(
        """() => {
          const style = getComputedStyle(document.documentElement);
          const names = ["text", "muted", "accent", "ground", "raised", "warn-text", "warn",
                         "accent-soft"];
          const color = (name) => style.getPropertyValue("--" + name).trim();
          return Object.fromEntries(names.map((name) => [name, color(name)]));
        }"""
    )
    return {pair: contrast(colors[pair[0]], colors[pair[1]]) for pair in pairs}


def contrast(first, second):
    def luminance(color):
        channels = np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)]) / 255
        linear = np.where(
            channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
        )
        return linear @ [0.2126, 0.7152, 0.0722]

    low, high = sorted([luminance(first), luminance(second)])
    return (high + 0.05) / (low + 0.05)


def test_measured_patterns_and_few_columns(tmp_path, open_page):
    profile = 50 + 1000 * np.exp(-((TWO_THETA - 30) ** 2)) + np.zeros((2, 1))
    profile[1] = 0
    path = write_report(
        tmp_path / "report.html",
        pd.DataFrame({"id": ["a", "b"]}),
        two_theta=TWO_THETA,
        patterns=profile,
    )
    page = open_page(path)
    expect(rows(page)).to_have_count(2)
    rows(page).nth(0).click()
    expect(page.locator("#pattern .scatterlayer .trace")).to_have_count(1)
    page.get_by_label("Next candidate").click()
    expect(page.locator("#lines")).to_contain_text("The pattern has no lines.")


def test_no_candidates(tmp_path, open_page):
    path = write_report(
        tmp_path / "report.html",
        make_candidates().iloc[:0],
        two_theta=TWO_THETA,
        patterns=sticks(0),
        scores=SCORES,
    )
    page = open_page(path)
    expect(page.locator("#empty")).to_contain_text("No candidates")
    expect(page.locator("table#candidates")).to_have_count(0)


def test_ten_thousand(tmp_path, open_page):
    n = 10_000
    path = write_report(
        tmp_path / "report.html", make_candidates(n), two_theta=TWO_THETA, patterns=sticks(n)
    )
    page = open_page(path)
    expect(info(page)).to_contain_text("of 10,000 candidates")
    assert rows(page).count() == 25  # rows out of sight are not made
    seconds = page.evaluate(
        """() => {
          const start = performance.now();
          const search = document.getElementById("search");
          search.value = "mp-9999";
          return new Promise((done) => {
            const table = document.getElementById("candidates");
            new MutationObserver(() => done((performance.now() - start) / 1000))
              .observe(table.tBodies[0], { childList: true });
            search.dispatchEvent(new Event("input", { bubbles: true }));
          });
        }"""
    )
    assert seconds < 3
    expect(info(page)).to_contain_text("1 to 1 of 1 candidates")
    page.get_by_role("button", name="Reset", exact=True).click()
    page.get_by_role("columnheader", name="Similarity").click()
    expect(info(page)).to_contain_text("of 10,000 candidates")
