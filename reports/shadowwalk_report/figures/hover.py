"""Values that show when a mark is pointed at: <title> elements of the SVG, which need no script.

matplotlib writes an artist's gid as the id of its group; `svg.embed` turns an id with this prefix into the title.
"""

PREFIX = "hover:"


def hover(artist, text):
    """Gives the artist a text to show; returns it."""
    artist.set_gid(PREFIX + " ".join(text.split()))
    return artist


def hover_points(axes, points):
    """Invisible marks, large enough to point at. `points`: [(x, y, text)]."""
    for x, y, text in points:
        mark, = axes.plot([x], [y], linestyle="none", marker="o", markersize=11, color="#000000", alpha=0, zorder=9)
        hover(mark, text)
