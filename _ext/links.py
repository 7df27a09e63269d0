"""Plain sentences become links: "Eq. 7", "chapter 6, Section 3" and the terms of the glossary.

The sources stay as one reads them aloud, so that they read well on Colab and on GitHub too, where
no page is built. An equation is where its number is: in the first formula with `\\tag{7}`.
"""

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

logger = logging.getLogger(__name__)

LIST = r"\d+(?!\.?\d)(?:(?:, (?:and )?| and | to |–)\d+(?!\.?\d))*"
MENTION = re.compile(
    rf"(?P<eq>\b(?:Eqs?\.|Equations?) {LIST})"
    rf"|(?P<backwards>\bSections? {LIST} of chapters? \d+)"
    rf"|(?P<chapter>\b[Cc]hapters? {LIST})"
    rf"|(?P<section>\bSections? {LIST})"
)
TAG = re.compile(r"\\tag\{(\d+)\}")
OPEN, CLOSE = "\\begin{equation*}\n", "\n\\end{equation*}"
# Words of the glossary that usually mean something else; these are links where they are in bold.
EVERYDAY = {"code", "positive", "negative", "draw", "seed", "interpretation", "search", "clip"}
# Pages on which a term is explained, or stands in somebody's title.
LISTS = ("glossary", "bibliography", "exercises", "reference")
SKIPPED = (
    nodes.reference, nodes.title, nodes.literal, nodes.literal_block, nodes.math, nodes.rubric,
    nodes.raw, nodes.caption, addnodes.pending_xref, addnodes.desc_signature, nodes.term,
)  # fmt: skip


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


class Page:
    """What is needed while the sentences of one page are read."""

    def __init__(self, app, name):
        self.builder, self.env, self.name = app.builder, app.env, name
        self.chapters = pages_by_chapter(app.env)
        self.numbers = {page: number for number, page in self.chapters.items()}
        self.equations = equations(app.env)
        self.terms = {} if name.endswith(LISTS) else glossary(app.env)
        longest_first = sorted(self.terms, key=len, reverse=True)
        plain = "|".join(self.spelled(term) for term in longest_first if term not in EVERYDAY)
        self.term = re.compile(rf"(?<![\w-])({plain})(?![\w-])") if plain else None
        self.seen = set()

    def spelled(self, term):
        """Its pattern: a sentence may begin with it; capitals within it count."""
        return rf"[{term[0].upper()}{term[0]}]{re.escape(term[1:])}"

    def known(self, words):
        """The place of a term as a sentence writes it, or None."""
        return self.terms.get(words) or self.terms.get(words[:1].lower() + words[1:])

    def link(self, text, target, kind):
        page, anchor = target
        made = make_refnode(self.builder, self.name, page, anchor, nodes.Text(text))
        made["classes"].append(kind)
        return made

    def place(self, kind, number, chapter):
        """(page, id) of an equation, a chapter or a section of `chapter`; None with a warning."""
        if kind == "eq":
            found = self.equations.get(number)
        elif kind == "chapter":
            found = (self.chapters[number], None) if number in self.chapters else None
        else:
            page = self.chapters.get(chapter)
            anchor = self.env.dmd_places[page]["section"].get(number) if page else None
            found = (page, anchor) if anchor else None
        if not found:
            of = f" of chapter {chapter}" if kind == "section" else ""
            logger.warning(f"{self.name}: there is no {kind} {number}{of}")
        return found

    def numbered(self, text, kind, chapter):
        """ "Eq. 7 and 9": the word goes with the first number; each number is a link."""
        made, end = [], 0
        for i, number in enumerate(re.finditer(r"\d+", text)):
            start = 0 if i == 0 else number.start()
            made.append(nodes.Text(text[end:start]))
            target = self.place(kind, int(number[0]), chapter)
            words = text[start : number.end()]
            made.append(self.link(words, target, "place") if target else nodes.Text(words))
            end = number.end()
        return made

    def mentions(self, text, chapter):
        """`text` with its places as links, and the chapter that a next "Section" would be of."""
        made, end = [], 0
        for mention in MENTION.finditer(text):
            between = text[end : mention.start()]
            made += self.words(between)
            if between not in (", ", " ", ""):
                chapter = None
            if mention["backwards"]:
                sections, _, of = mention[0].partition(" of ")
                number = int(re.search(r"\d+", of)[0])
                made += self.numbered(sections, "section", number)
                made += [nodes.Text(" of "), *self.numbered(of, "chapter", None)]
            elif mention["section"]:
                of = chapter or self.numbers.get(self.name)
                made += self.numbered(mention[0], "section", of) if of else self.words(mention[0])
            elif mention["chapter"]:
                chapter = int(re.search(r"\d+", mention[0])[0])
                made += self.numbered(mention[0], "chapter", None)
            else:
                made += self.numbered(mention[0], "eq", None)
            end = mention.end()
        rest = text[end:]
        return made + self.words(rest), chapter if rest in (", ", " ", "") else None

    def words(self, text):
        """`text` with the page's first use of each term as a link."""
        made, end = [], 0
        for use in self.term.finditer(text) if self.term else ():
            target = self.known(use[0])
            if target not in self.seen:
                self.seen.add(target)
                made += [nodes.Text(text[end : use.start()]), self.link(use[0], target, "term")]
                end = use.end()
        return [*made, nodes.Text(text[end:])]


def within(node, kinds):
    while node is not None:
        if isinstance(node, kinds):
            return True
        node = node.parent
    return False


def in_further_reading(node):
    """There, sections are those of the works listed."""
    while node is not None and not isinstance(node, nodes.section):
        node = node.parent
    return node is not None and node[0].astext() == "Further reading"


def write_links(app, doctree, docname):
    """Every sentence of the page, with its places and terms as links."""
    page = Page(app, docname)
    of = {target: number for number, target in page.chapters.items()}
    for block in list(doctree.findall(nodes.TextElement)):
        if within(block, SKIPPED) or in_further_reading(block):
            continue
        chapter = None
        for node in list(block.children):
            if isinstance(node, nodes.Text):
                made, chapter = page.mentions(node.astext(), chapter)
                block.replace(node, made)
            elif isinstance(node, nodes.reference):
                target = node.get("refuri", "").split("#")[0].rsplit("/", 1)[-1]
                named = (p for p in of if p.rsplit("/", 1)[-1] + ".html" == target)
                chapter = of.get(next(named, None), chapter)
            elif isinstance(node, nodes.strong) and (target := page.known(node.astext())):
                page.seen.add(target)
                text = node.astext()
                node.clear()
                node += page.link(text, target, "term")


def setup(app):
    app.connect("doctree-read", remember)
    app.connect("env-purge-doc", forget)
    app.connect("doctree-resolved", write_links)
    return {"parallel_read_safe": False}
