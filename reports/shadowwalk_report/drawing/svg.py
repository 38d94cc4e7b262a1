"""Fits matplotlib's SVG into an HTML page: ids that clash with no other figure, colours that follow the page, links within the
page, values that show when a mark is pointed at, and a fifth of the size."""

import collections
import re
import xml.etree.ElementTree as xml

from matplotlib.artist import Artist

from ..variants import COLOURS

INK = "#1f2328"
RULE = "#d0d7de"
PAPER = "#ffffff"
MUTED = "#6e7781"

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_HREF = f"{{{_XLINK}}}href"
_DARK = {INK: "#e6e9ee", RULE: "#3a414b", PAPER: "#16191e", MUTED: "#9aa4b0", **COLOURS}
_COLOUR = re.compile(r"#[0-9a-f]{6}\b")
_URL = re.compile(r"url\(#([^)]*)\)")
_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_UNTURNED = re.compile(r"rotate\(-?0 [^)]*\)")
_TAG = re.compile(r"<[^>]*>")
_STYLE = re.compile(r' style="([^"]*)"')
_SHARED_FROM = 3  # uses of a style: below, a class is longer
_KEPT_IDS = ("axes_", "figure_")  # tests and readers of the page's source find a panel by these
_TEXT = "text"
# matplotlib writes an artist's gid as the id of its group; `embed` turns an id with one of these prefixes into a <title>,
# which shows when its mark is pointed at and needs no script.
HOVER = "hover:"
_ABOVE_ALL = 9  # what is pointed at must not be covered
POINT_RADIUS = 5.5
_TOKEN = re.compile(r"[A-Za-z]|-?\d+(?:\.\d+)?(?:e-?\d+)?")

xml.register_namespace("", _SVG)
xml.register_namespace("xlink", _XLINK)


def hover(artist, text):
    """Gives the artist a text to show; returns it."""
    artist.set_gid(HOVER + " ".join(text.split()))
    return artist


class _HoverPoints(Artist):
    """Circles to point at, which are only in the SVG. A mark of matplotlib's own for each of hundreds took a third of a figure's time."""

    def __init__(self, points):
        super().__init__()
        self._points = points
        self.set_zorder(_ABOVE_ALL)
        self.set_in_layout(False)

    def draw(self, renderer):
        writer = getattr(renderer, "writer", None)
        if writer is None:
            return
        places = self.axes.transData.transform([(x, y) for x, y, _ in self._points])
        for (x, y), (_, _, text) in zip(places, self._points):
            if self.axes.bbox.padded(1).contains(x, y):
                writer.start("circle", {"class": "hover", "cx": f"{x:.1f}", "cy": f"{renderer.height - y:.1f}", "r": f"{POINT_RADIUS:g}"})
                writer.element("title", " ".join(text.split()))
                writer.end("circle")


def hover_points(axes, points):
    """Invisible marks, large enough to point at. `points`: [(x, y, text)]."""
    if points:
        axes.add_artist(_HoverPoints(points))


def _variable(colour):
    return f"--c{colour[1:]}"


def colour_rules(dark):
    """CSS declarations of every colour that figures use, for light or for dark pages."""
    return " ".join(f"{_variable(light)}: {shade if dark else light};" for light, shade in sorted(_DARK.items()))


def _follow_page(style):
    """The style in the page's colours, without needless space."""
    style = _COLOUR.sub(lambda m: f"var({_variable(m[0])})" if m[0] in _DARK else m[0], style)
    return style.replace(": ", ":").replace("; ", ";").strip().rstrip(";")


def _rounded(text):
    return _NUMBER.sub(lambda m: f"{float(m[0]):.1f}".removesuffix(".0"), text)


def _number(text, digits):
    number = f"{float(text):.{digits}f}"
    return number.rstrip("0").rstrip(".") if "." in number else number


def _straight(tokens):
    """Straight lines between points in tenths: H and V where a line is level or upright, and nothing where it does not move."""
    words, at, command, place = [], None, "", 0
    while place < len(tokens):
        if tokens[place].isalpha():
            command, place = tokens[place], place + 1
            if command in "zZ":
                words.append("z")
                continue
        x, y = _number(tokens[place], 1), _number(tokens[place + 1], 1)
        place += 2
        if command == "M":
            words.append(f"M{x} {y}")
            command = "L"  # what follows a move without a letter
        elif at[1] == y:
            if at[0] != x or words[-1][0] == "M":  # a dot is a line that does not move
                words.append(f"H{x}")
        elif at[0] == x:
            words.append(f"V{y}")
        else:
            words.append(f"L{x} {y}")
        at = x, y
    return "".join(words)


def shorter_path(data):
    """The same path to a tenth of a point; curves, of which markers are made, to a hundredth."""
    tokens = _TOKEN.findall(data)
    if {token for token in tokens if token.isalpha()} <= set("MLzZ"):
        return _straight(tokens)
    return " ".join(token if token.isalpha() else _number(token, 2) for token in tokens)


def _give_titles(root):
    for element in list(root.iter()):
        if element.get("id", "").startswith(HOVER):
            tip = xml.Element(f"{{{_SVG}}}title")
            tip.text = element.attrib.pop("id").removeprefix(HOVER)
            element.insert(0, tip)


def _referenced(root):
    ids = set()
    for element in root.iter():
        if element.tag != f"{{{_SVG}}}a" and element.get(_HREF, "").startswith("#"):
            ids.add(element.get(_HREF)[1:])
        for key in ("clip-path", "style"):
            ids.update(_URL.findall(element.get(key, "")))
    return ids


def _shorten(element, name, referenced):
    """One element: only ids that are referred to, in the page's colours, with numbers to a tenth of a point."""
    identity = element.get("id")
    if identity is not None:
        if identity.startswith(_TEXT):
            element.set("class", _TEXT)
        if identity in referenced or identity.startswith(_KEPT_IDS):
            element.set("id", f"{name}.{identity}")
        else:
            del element.attrib["id"]
    if element.get(_HREF, "").startswith("#") and element.tag != f"{{{_SVG}}}a":
        element.set(_HREF, f"#{name}.{element.get(_HREF)[1:]}")
    for key in ("clip-path", "style"):
        if key in element.attrib:
            element.set(key, _URL.sub(lambda m: f"url(#{name}.{m[1]})", element.get(key)))
    if "style" in element.attrib:
        element.set("style", _follow_page(element.get("style")))
    if "d" in element.attrib:
        element.set("d", shorter_path(element.get("d")))
    for key in ("points", "x", "y", "transform"):
        if key in element.attrib:
            element.set(key, _rounded(element.get(key)))
    if _UNTURNED.fullmatch(element.get("transform", "")):
        del element.attrib["transform"]
    if element.text and not element.text.strip():
        element.text = None
    if element.tail and not element.tail.strip():
        element.tail = None


def _unwrap(parent):
    """Replaces groups without attributes by their children."""
    children = []
    for child in parent:
        _unwrap(child)
        if child.tag == f"{{{_SVG}}}g" and not child.attrib and child.find(f"{{{_SVG}}}title") is None:
            children += list(child)
        else:
            children.append(child)
    parent[:] = children


def embed(svg, name, description):
    """The <svg> element as text, to stand in HTML. `name` must be unique on the page."""
    root = xml.fromstring(svg)
    for metadata in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(metadata)
    _give_titles(root)
    referenced = _referenced(root)
    for element in root.iter():
        _shorten(element, name, referenced)
    _unwrap(root)
    title = xml.Element(f"{{{_SVG}}}title")
    title.text = description
    root.insert(0, title)
    # An image hides its content from screen readers; links must stay reachable.
    has_links = root.find(f".//{{{_SVG}}}a") is not None
    root.set("role", "group" if has_links else "img")
    # A page scales it down where it is too wide, but never up.
    width = float(root.attrib.pop("width").removesuffix("pt")) * 4 / 3
    root.attrib.pop("height")
    root.set("style", f"width:100%;max-width:{width:.0f}px;height:auto")
    return xml.tostring(root, encoding="unicode")


def shared_styles(markups):
    """(CSS rules, the markups): styles that many elements share become classes."""
    # Only within tags: a variant's name may look like a style.
    uses = collections.Counter(style for markup in markups for tag in _TAG.findall(markup) for style in _STYLE.findall(tag))
    names = {style: f"s{number}" for number, (style, count) in enumerate(uses.most_common()) if count >= _SHARED_FROM}
    rules = "\n".join(f".{name}{{{style}}}" for style, name in names.items())

    def replace(match):
        return f' class="{names[match[1]]}"' if match[1] in names else match[0]

    # An element has one class attribute: elements that already have one keep their style.
    return rules, [_TAG.sub(lambda tag: tag[0] if " class=" in tag[0] else _STYLE.sub(replace, tag[0]), markup) for markup in markups]
