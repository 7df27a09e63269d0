"""Docstrings as they are written: shapes like [B, T, d] and sets like |f(X)| are not markup."""


def keep_as_text(app, what, name, obj, options, lines):
    text = [".. code-block:: text", "", *(f"    {line}" for line in lines), ""]
    lines[:] = text if any(lines) else []


def setup(app):
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", keep_as_text)
    return {"parallel_read_safe": True}
