"""Plain sentences become links: "Eq. 7", "chapter 6, Section 3" and the terms of the glossary.

The sources stay as one reads them aloud, so that they read well on Colab and on GitHub too, where
no page is built. An equation is where its number is: in the first formula with `\\tag{7}`.
"""

import re

import places
from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

logger = logging.getLogger(__name__)

NUMBER = r"\d+(?!\.?\d)"
LIST = rf"{NUMBER}(?:(?:, {NUMBER})*,?(?: and | to ){NUMBER}|–{NUMBER})?"
MENTION = re.compile(
    rf"(?P<eq>\b(?:Eqs?\.|Equations?) {LIST})"
    rf"|(?P<backwards>\bSections? {LIST} of chapters? \d+)"
    rf"|(?P<chapter>\b[Cc]hapters? {LIST})"
    rf"|(?P<section>\bSections? {LIST})"
)
# Words of the glossary that usually mean something else; these are links where they are in bold.
EVERYDAY = {"code", "positive", "negative", "draw", "seed", "interpretation", "clip", "sweep"}
# Pages on which a term is explained, or stands in somebody's title.
LISTS = ("glossary", "bibliography", "exercises", "reference")
ENDED = re.compile(r"[.?!] ")  # a sentence
JOINING = ("", " ", ",", ", ")  # between a chapter and its section
SKIPPED = (
    nodes.reference, nodes.title, nodes.literal, nodes.literal_block, nodes.math, nodes.rubric,
    nodes.raw, nodes.caption, addnodes.pending_xref, addnodes.desc_signature, nodes.term,
)  # fmt: skip


class Page:
    """What is needed while the sentences of one page are read."""

    def __init__(self, app, name):
        self.builder, self.env, self.name = app.builder, app.env, name
        self.chapters = places.pages_by_chapter(app.env)
        self.numbers = {page: number for number, page in self.chapters.items()}
        self.equations = places.equations(app.env)
        self.spoken = False  # whether a chapter was named since the sentence began
        self.terms = {} if name.endswith(LISTS) else places.glossary(app.env)
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

    def named_by(self, reference):
        """The number of the chapter that a link leads to, or None."""
        target = reference.get("refuri", "").split("#")[0].rsplit("/", 1)[-1]
        files = {page.rsplit("/", 1)[-1] + ".html": n for page, n in self.numbers.items()}
        return files.get(target)

    def mentions(self, text, chapter):
        """`text` with its places as links, and the chapter that a next "Section" would be of."""
        made, end = [], 0
        for mention in MENTION.finditer(text):
            between = text[end : mention.start()]
            made += self.words(between)
            self.spoken &= not ENDED.search(between)
            if between not in JOINING:
                chapter = None
            if mention["backwards"]:
                sections, _, of = mention[0].partition(" of ")
                number = int(re.search(r"\d+", of)[0])
                made += self.numbered(sections, "section", number)
                made += [nodes.Text(" of "), *self.numbered(of, "chapter", None)]
            elif mention["section"]:
                of = self.chapter_of(text, mention, chapter)
                made += self.numbered(mention[0], "section", of) if of else self.words(mention[0])
            elif mention["chapter"]:
                self.spoken = True
                chapter = int(re.search(r"\d+", mention[0])[0])
                made += self.numbered(mention[0], "chapter", None)
            else:
                made += self.numbered(mention[0], "eq", None)
            end = mention.end()
        rest = text[end:]
        self.spoken &= not ENDED.search(rest)
        return made + self.words(rest), chapter if rest in JOINING else None

    def chapter_of(self, text, mention, chapter):
        """Whose a section is: `chapter`'s, named just before, or this page's. None, with a warning,
        where it may be another's: a chapter stands in the sentence, or "of" or "in" follows."""
        doubtful = self.spoken and not chapter
        if doubtful or re.match(" (?:of|in) ", text[mention.end() :]):
            logger.warning(f"{self.name}: of which chapter is {mention[0]!r}? Write chapter first")
            return None
        return chapter or self.numbers.get(self.name)

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


def name_of(block, docname):
    """The page that a block is of: in a PDF all pages are one document."""
    while block is not None and not isinstance(block, addnodes.start_of_file):
        block = block.parent
    return docname if block is None else block["docname"]


def write_links(app, doctree, docname):
    """Every sentence of the page, with its places and terms as links."""
    pages = {}
    for block in list(doctree.findall(nodes.TextElement)):
        if within(block, SKIPPED) or in_further_reading(block):
            continue
        name = name_of(block, docname)
        if name not in pages:
            pages[name] = Page(app, name)
        page = pages[name]
        page.spoken, chapter = False, None
        for node in list(block.children):
            if isinstance(node, nodes.Text):
                text = re.sub(r"\s+", " ", node.astext())
                made, chapter = page.mentions(text, chapter)
                block.replace(node, made)
            elif isinstance(node, nodes.reference):
                if number := page.named_by(node):
                    page.spoken, chapter = True, number
            elif isinstance(node, nodes.strong) and (target := page.known(node.astext())):
                page.seen.add(target)
                text = node.astext()
                node.clear()
                node += page.link(text, target, "term")


def setup(app):
    places.setup(app)
    app.connect("doctree-resolved", write_links)
    return {"parallel_read_safe": False}
