"""What the theme and its helpers write and our readers should not get.

A page must show in full from a folder, without a network, so scripts from elsewhere go: thebe,
which we do not use, and those of widgets, of which only progress bars are left. Font Awesome comes
twice, as a font and as a megabyte of script: the font stays. What a screen reader needs is added.
"""

import re
from pathlib import Path

ELSEWHERE = re.compile(r"thebe|require\.js|require\.min\.js|html-manager", re.IGNORECASE)
REPAIRS = [
    (re.compile(r"<(script|link)[^>]*fontawesome[^>]*(\.js|\.woff2)[^>]*>(</script>)?"), ""),
    (re.compile(r'<summary>(?=<span class="toctree-toggle")'), '<summary aria-label="Below it">'),
    (re.compile(r'role="doc-biblioentry"'), 'role="listitem"'),
    # A control within a control, which a screen reader cannot enter.
    (re.compile(r"<summary>Expand for references.*?</summary>"), "<summary>In the book</summary>"),
    # The path to a section, as sphinx-codeautolink finds it, through a box that holds no section.
    (re.compile(r" / Before you start(?= / )"), ""),
]


def keep_ours(app, pagename, templatename, context, doctree):
    for kind in ("script_files", "css_files"):
        if kind in context:
            context[kind] = [f for f in context[kind] if not ELSEWHERE.search(what(f))]


def what(asset):
    """A file's name with its text: the settings of thebe are a script without a name."""
    return f"{asset.filename} {getattr(asset, 'attributes', {}).get('body', '')}"


def repair(app, exception):
    if exception or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = fresh = page.read_text("utf-8")
        for wrong, right in REPAIRS:
            fresh = wrong.sub(right, fresh)
        if fresh != text:
            page.write_text(fresh, "utf-8")


def setup(app):
    app.connect("html-page-context", keep_ours, priority=900)
    app.connect("build-finished", repair)
    return {"parallel_read_safe": True}
