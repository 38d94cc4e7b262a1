"""Drawing: `plot` says what a plot is, `canvas` draws any plot, `svg` fits it into a page; the rest draws parts of panels."""
