"""Pictures of densities, in the two-colour style of [S1]: images in two dimensions, a plane of three, lines in one."""

from typing import TYPE_CHECKING, Any

import numpy as np

from runs.figures.style import COLOURS
from theory.arrays import Array
from theory.fourier import Grid

if TYPE_CHECKING:
    from runs.runfile import RunSpecification


def picture_aspect(size: tuple[float, ...]) -> float:
    """Height over width of a picture of a box."""
    return 0.6 if len(size) == 1 else size[1] / size[0]


def reference_density(specification: "RunSpecification", densities: list[Array]) -> float:
    """Density of full colour: near the largest of the last snapshot, and never below the composition."""
    highest = max(float(np.quantile(one, 0.99)) for one in densities[-1])
    return max(highest, *specification.composition.values())


def show(axis: Any, density: Array, grid: Grid, reference: float) -> None:
    """Draw densities (species, [z,] [y,] x); of a box in three dimensions its middle plane."""
    if grid.dimension == 1:
        for one, colour in zip(density, COLOURS * len(density), strict=False):
            axis.plot(grid.coordinates("x"), one, color=colour, linewidth=1.0)
        axis.set_xlim(0.0, grid.size[0])
        axis.set_ylim(0.0, 1.15 * reference)
        return
    plane = density if grid.dimension == 2 else density[:, density.shape[1] // 2]
    axis.imshow(coloured(plane, reference), origin="lower", extent=(0, grid.size[0], 0, grid.size[1]), interpolation="bilinear")
    axis.set_xticks([])
    axis.set_yticks([])


def coloured(density: Array, reference: float) -> Array:
    """RGB (ny, nx, 3): white where empty; each species takes away the complement of its colour."""
    from matplotlib.colors import to_rgb

    image = np.ones((*density.shape[1:], 3))
    for s, one in enumerate(density):
        colour = np.array(to_rgb(COLOURS[s % len(COLOURS)]))
        amount = np.clip(one / reference, 0.0, 1.0)[..., None]
        image *= 1.0 - amount * (1.0 - colour)
    return image


def scale_bar(axis: Any, size: tuple[float, ...]) -> None:
    """A bar of a round length in the lower right corner."""
    from matplotlib import patheffects

    longest = 0.3 * size[0]
    decade = 10.0 ** np.floor(np.log10(longest))
    length = max(c * decade for c in (1.0, 2.0, 5.0) if c * decade <= longest)
    right, low = 0.95 * size[0], 0.07 * size[1]
    outline = [patheffects.withStroke(linewidth=3.0, foreground="white")]
    bar = {"color": "black", "linewidth": 2.0, "solid_capstyle": "butt", "path_effects": outline}
    axis.plot([right - length, right], [low, low], **bar)
    axis.text(
        right - 0.5 * length, low + 0.02 * size[1], f"{length:g}", ha="center", va="bottom", fontsize=7, path_effects=outline
    )


def colour_key(axis: Any, specification: "RunSpecification") -> None:
    """Which colour is which species."""
    from matplotlib.patches import Patch

    handles = [Patch(color=COLOURS[s % len(COLOURS)], label=name) for s, name in enumerate(specification.model.names)]
    axis.legend(handles=handles, loc="upper left", fontsize=6, handlelength=0.9, borderpad=0.3, framealpha=0.85)
