"""Open every built page without a network and look for what a reader would stumble on.

    python tools/check_pages.py [FOLDER [PICTURES]]    (make pages; FOLDER is _build/html)

In Chromium, wide and as narrow as a phone, in both themes. Reported are errors in the console,
requests that fail or that leave the folder, formulas that were not set, pages that scroll
sideways, and what axe-core finds against WCAG 2 AA: contrast, pictures without words, controls
without names. A page may weigh 3 MB with all that it loads. Screenshots go to PICTURES. Exits 1
when there is anything.
"""

import re
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
HEAVIEST = 3_000_000  # bytes of a page with everything
BROWSERS = ("chromium", "google-chrome", "chromium-browser")
SIZES = {"wide": (1280, 900), "phone": (390, 844)}
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa"]}, "preload": False}
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
MOVING = 12  # playgrounds and sliders of frames in the book
# Folded solutions are opened: they are looked at as what they are, part of the page.
OPEN = """document.querySelectorAll("details").forEach(d => d.open = true);
document.querySelectorAll(".toggle-hidden > .admonition-title").forEach(b => b.click())"""
PROSE = """(() => { const copy = document.querySelector("article")?.cloneNode(true);
copy?.querySelectorAll("pre, code, script, style").forEach(e => e.remove());
return copy?.textContent ?? "" })()"""
SHOWN = "pictures => pictures.map(p => p.src.length)"
RAW = re.compile(r"\\\(|\\\[|\$\$|\{(?:cite|eq|ref|term|numref)\}`")
SET = (
    "typeof MathJax === 'undefined' || !MathJax.startup || MathJax.startup.promise.then(() => true)"
)


def findings(page: Page, path: Path, size: str, theme: str) -> list[str]:
    """What is wrong with one page at one size in one theme."""
    found: list[str] = []
    files = set()

    def asked(request) -> None:
        if request.url.startswith("file://"):
            files.add(Path(unquote(urlsplit(request.url).path)))
        elif not request.url.startswith(("data:", "blob:")):
            found.append(f"asks another machine: {request.url}")

    page.on("request", asked)
    page.on("console", lambda m: found.append(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda error: found.append(f"script: {error}"))
    page.on("requestfailed", lambda request: found.append(f"failed: {request.url}"))
    page.goto(path.as_uri())
    page.evaluate(OPEN)
    page.wait_for_timeout(500)  # what unfolds fades in
    page.evaluate(SET)
    found += ["a formula that is no formula"] * page.locator("mjx-merror").count()
    sideways = page.evaluate(SIDEWAYS)
    if sideways > 1:
        found.append(f"scrolls sideways by {sideways} px")
    found += [f"not set: {raw[0]}" for raw in RAW.finditer(page.evaluate(PROSE))]
    weight = sum(file.stat().st_size for file in files if file.exists())
    if weight > HEAVIEST:
        found.append(f"weighs {weight / 1e6:.1f} MB")
    # A phone shows the same colours and names, one below the other.
    violations = Axe().run(page, options=RULES).response["violations"] if size == "wide" else []
    for violation in violations:
        nodes = violation["nodes"]
        found.append(f"{violation['id']}: {len(nodes)}, first {nodes[0]['html'][:120]}")
    return [f"{path.name}, {size}, {theme}: {problem}" for problem in dict.fromkeys(found)]


def look(browser: Browser, folder: Path, pictures: Path | None) -> list[str]:
    """All pages at all sizes in both themes; screenshots go to `pictures`, if given."""
    found = []
    for path in sorted(folder.rglob("*.html")):
        aside = {"_static", "_downloads"} & set(path.relative_to(folder).parts)
        if aside or 'http-equiv="Refresh"' in path.read_text("utf-8"):
            continue  # no page, or one that leads to another at once
        for size, (width, height) in SIZES.items():
            for theme in ("light", "dark"):
                view = {"viewport": {"width": width, "height": height}, "color_scheme": theme}
                with browser.new_context(offline=True, **view) as context:
                    page = context.new_page()
                    new = findings(page, path, size, theme)
                    for line in new:
                        print(line, flush=True)
                    found += new
                    if pictures:
                        name = f"{path.stem}-{size}-{theme}.png"
                        page.screenshot(path=pictures / name, full_page=True)
    return found


def dead(browser: Browser, folder: Path) -> list[str]:
    """What does not move: playgrounds and sliders by the keyboard, exercises done, the search."""
    book, found, moved = folder / "book", [], 0
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        for path in sorted(book.glob("*.html")):
            page.goto(path.as_uri())
            for place in page.locator(".playground, .frames").all():
                moved += 1
                before = place.inner_text() + str(place.locator("img[hidden]").evaluate_all(SHOWN))
                place.locator("input").first.press("ArrowRight")
                after = place.inner_text() + str(place.locator("img[hidden]").evaluate_all(SHOWN))
                found += [f"{path.name}: a slider does not move"] * (before == after)
        found += [f"{moved} playgrounds and sliders, {MOVING} expected"] * (moved != MOVING)
        page.goto((book / "06_gd_units.html").as_uri())
        page.locator(".exercise-done input").first.check()
        page.goto((book / "exercises.html").as_uri())
        found += ["an exercise is forgotten"] * (
            page.locator("article").inner_text().count("✓") != 1
        )
        page.goto((folder / "search.html").as_uri() + "?q=discrepancy")
        page.wait_for_timeout(2000)
        results = page.locator("#search-results").inner_text()
        found += ["the search finds nothing"] * ("Glossary" not in results)
    return found


def main(folder: Path, pictures: Path | None = None) -> int:
    pages = list(folder.glob("*.html"))
    if not pages:
        sys.exit(f"error: no pages in {folder}; run make book first")
    with sync_playwright() as playwright:
        browsers = [found for name in BROWSERS if (found := shutil.which(name))]
        if not browsers:
            sys.exit(f"error: none of {', '.join(BROWSERS)} is installed")
        # A page in a folder may not ask for another file's text; nobody but axe-core does.
        flags = ["--no-sandbox", "--allow-file-access-from-files"]
        browser = playwright.chromium.launch(executable_path=browsers[0], args=flags)
        found = look(browser, folder, pictures)
        for problem in (still := dead(browser, folder)):
            print(problem)
        found += still
    print(f"{len(found)} findings" if found else f"every page of {folder} is fine")
    return bool(found)


if __name__ == "__main__":
    arguments = [Path(a).resolve() for a in sys.argv[1:]]
    sys.exit(main(*(arguments or [ROOT / "_build" / "html"])))
