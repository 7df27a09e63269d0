"""Where the book's chapters, sections, equations and terms are, for whoever links to them."""

import copy
import re

from docutils import nodes
from sphinx.util import logging

logger = logging.getLogger(__name__)
TAG = re.compile(r"\\tag\{(\d+)\}")
OPEN, CLOSE = "\\begin{equation*}\n", "\n\\end{equation*}"


def remember(app, doctree):
    """Where this page's chapter number, sections and equations are."""
    env, page = app.env, app.env.docname
    places = vars(env).setdefault("dmd_places", {})
    title = next(doctree.findall(nodes.title), None)
    number = re.match(r"(\d+)\. ", title.astext()) if title else None
    mine = {"chapter": int(number[1]) if number else None, "eq": {}, "section": {}}
    for section in doctree.findall(nodes.section):
        start = re.match(r"(\d+)\. ", section[0].astext())
        if start and section.parent is not doctree:
            mine["section"].setdefault(int(start[1]), section["ids"][0])
    for formula in list(doctree.findall(nodes.math_block)):
        if equation := TAG.search(formula.astext()):
            anchor = f"eq-{equation[1]}"
            target = nodes.target("", "", ids=[anchor])
            formula.replace_self([target, with_number(formula.astext())])
            mine["eq"].setdefault(int(equation[1]), anchor)
    places[page] = mine


def with_number(text):
    """A formula that brings its own number: as an environment in which a tag may stand."""
    text = f"{OPEN}{text}{CLOSE}"
    return nodes.math_block(text, text, nowrap=True, number=None)


def bare(text):
    return text.removeprefix(OPEN).removesuffix(CLOSE)


def forget(app, env, page):
    vars(env).setdefault("dmd_places", {}).pop(page, None)


def pages_by_chapter(env):
    return {mine["chapter"]: page for page, mine in env.dmd_places.items() if mine["chapter"]}


def equations(env):
    """Number -> (page, id); a number that two formulas claim is an error of the book."""
    found = {}
    for page, mine in sorted(env.dmd_places.items()):
        for number, target in mine["eq"].items():
            if number in found:
                logger.warning(f"Eq. {number} is tagged in {found[number][0]} and in {page}")
            found.setdefault(number, (page, target))
    return found


def glossary(env):
    """Term -> (page, id); "anchor, positive, negative" are three."""
    objects = env.get_domain("std").objects.items()
    named = ((name, place) for (kind, name), place in objects if kind == "term")
    return {term: place for name, place in named for term in name.split(", ")}


def changed(app, env):
    """All pages are written anew when a place has moved: any of them may lead there."""
    places, before = vars(env).get("dmd_places", {}), vars(env).get("dmd_linked")
    env.dmd_linked = copy.deepcopy(places)
    return list(env.found_docs) if before not in (None, places) else []


def setup(app):
    app.connect("doctree-read", remember)
    app.connect("env-updated", changed)
    app.connect("env-purge-doc", forget)
