"""Docstrings as they are written: shapes like [B, T, d] and sets like |f(X)| are not markup.

Below each stands where the book uses what it describes.
"""


def keep_as_text(app, what, name, obj, options, lines):
    text = [".. code-block:: text", "", *(f"    {line}" for line in lines), ""]
    examples = [f".. autolink-examples:: {name}", "   :collapse:", ""]
    lines[:] = [*(text if any(lines) else []), *(examples if what != "module" else [])]


def setup(app):
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", keep_as_text)
    return {"parallel_read_safe": True}
