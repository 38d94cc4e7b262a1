"""Values that show when a mark is pointed at: <title> elements of the SVG, which need no script.

matplotlib writes an artist's gid as the id of its group; `svg.embed` turns an id with this prefix into the title.
"""

PREFIX = "hover:"
POINT_PREFIX = "hover-point:"  # `svg` makes one circle of it
POINT_RADIUS = 5.5


def hover(artist, text):
    """Gives the artist a text to show; returns it."""
    artist.set_gid(PREFIX + " ".join(text.split()))
    return artist


def hover_points(axes, points):
    """Invisible marks, large enough to point at. `points`: [(x, y, text)]."""
    for x, y, text in points:
        mark, = axes.plot([x], [y], linestyle="none", marker="o", markersize=2 * POINT_RADIUS, color="#000000", alpha=0, zorder=9)
        mark.set_gid(POINT_PREFIX + " ".join(text.split()))
