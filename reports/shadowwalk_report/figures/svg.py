"""Fits matplotlib's SVG into an HTML page: ids that clash with no other figure, colours that follow the page."""

import re
import xml.etree.ElementTree as xml

from ..variants import COLOURS
from .hover import PREFIX

INK = "#1f2328"
RULE = "#d0d7de"
PAPER = "#ffffff"
MUTED = "#6e7781"

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_DARK = {INK: "#e6e9ee", RULE: "#3a414b", PAPER: "#16191e", MUTED: "#9aa4b0", **COLOURS}
_COLOUR = re.compile(r"#[0-9a-f]{6}\b")
_URL = re.compile(r"url\(#([^)]*)\)")
_NUMBER = re.compile(r"-?\d+\.\d{3,}")

xml.register_namespace("", _SVG)
xml.register_namespace("xlink", _XLINK)


def _variable(colour):
    return f"--c{colour[1:]}"


def colour_rules(dark):
    """CSS declarations of every colour that figures use, for light or for dark pages."""
    return " ".join(f"{_variable(light)}: {shade if dark else light};" for light, shade in sorted(_DARK.items()))


def _follow_page(style):
    return _COLOUR.sub(lambda m: f"var({_variable(m[0])}, {m[0]})" if m[0] in _DARK else m[0], style)


def _rounded(text):
    return _NUMBER.sub(lambda m: f"{float(m[0]):.2f}".rstrip("0").rstrip("."), text)


def embed(svg, name, description):
    """The <svg> element as text, to stand in HTML. `name` must be unique on the page."""
    root = xml.fromstring(svg)
    for metadata in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(metadata)
    for element in list(root.iter()):
        if element.get("id", "").startswith(PREFIX):
            tip = xml.Element(f"{{{_SVG}}}title")
            tip.text = element.attrib.pop("id").removeprefix(PREFIX)
            element.insert(0, tip)
        if "id" in element.attrib:
            element.set("id", f"{name}.{element.get('id')}")
        for key in ("href", f"{{{_XLINK}}}href"):
            if element.get(key, "").startswith("#"):
                element.set(key, f"#{name}.{element.get(key)[1:]}")
        for key in ("clip-path", "style"):
            if key in element.attrib:
                element.set(key, _URL.sub(lambda m: f"url(#{name}.{m[1]})", element.get(key)))
        if "style" in element.attrib:
            element.set("style", _follow_page(element.get("style")))
        for key in ("d", "points", "x", "y", "transform"):
            if key in element.attrib:
                element.set(key, _rounded(element.get(key)))
    title = xml.Element(f"{{{_SVG}}}title")
    title.text = description
    root.insert(0, title)
    root.set("role", "img")
    # A page scales it down where it is too wide, and never up.
    width = float(root.attrib.pop("width").removesuffix("pt")) * 4 / 3
    root.attrib.pop("height")
    root.set("style", f"width:100%;max-width:{width:.0f}px;height:auto")
    return xml.tostring(root, encoding="unicode")
