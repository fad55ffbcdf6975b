"""Figures of free energies and their tangent planes, in the manner of [S1] figure 2b."""

from pathlib import Path
from typing import Any

import numpy as np

from runs.figures.style import drawing
from runs.phase_diagram import Diagram
from theory.arrays import Array
from theory.errors import InputError
from theory.free_energy import FreeEnergy
from theory.phase_equilibrium import TangentPlane

_PLANE = "#3d6fd6"
_SURFACE = 121


def draw_free_energy(diagram: Diagram, target: Path) -> Path:
    """Draw the free energy less its tangent plane at the composition: [S1] figure 2b, for one or two species.

    Raises
    ------
    InputError
        The file's ending is not png, pdf or svg, or there is no free energy.
    StoreError
        The file cannot be written.
    """
    model, found = diagram.specification.model, diagram.coexistence["phases"]
    if found is None:
        raise InputError(f"there is no free energy to draw: {diagram.reason}")
    free_energy = FreeEnergy(model, dict(diagram.specification.composition))
    phases = np.array([list(one["densities"].values()) for one in found])
    plane = TangentPlane.at(free_energy, phases[0])
    with drawing(target, (4.6, 3.6), "--free-energy") as figure:
        if model.number_of_species == 1:
            _tangent(figure.subplots(), diagram, free_energy, plane, phases)
        else:
            _surface(figure.add_subplot(projection="3d"), diagram, free_energy, plane, phases)
    return target


def _tangent(axis: Any, diagram: Diagram, free_energy: FreeEnergy, plane: TangentPlane, phases: Array) -> None:
    end = 1.15 * max(float(phases.max()), *diagram.specification.composition.values())
    density = np.linspace(0.0, end, 600)[None]
    height = plane.heights(density, free_energy.density(density))
    between = (density[0] > phases.min()) & (density[0] < phases.max())
    highest = float(height[between].max()) if phases.shape[0] > 1 else float(np.median(height))
    axis.axhline(0.0, color=_PLANE, linewidth=1.0)
    axis.plot(density[0], height, "-", color="black", linewidth=1.1)
    axis.plot(phases[:, 0], np.zeros(phases.shape[0]), "o", color=_PLANE, markersize=4)
    axis.plot(list(diagram.specification.composition.values()), [0.0], "*", color="black", markersize=8)
    axis.set_ylim(-0.08 * highest, 1.6 * highest)
    (name,) = diagram.specification.model.names
    axis.set_xlabel(rf"density of {name}, $\rho_{{{name}}}$")
    axis.set_ylabel("free energy less its tangent")


def _surface(axis: Any, diagram: Diagram, free_energy: FreeEnergy, plane: TangentPlane, phases: Array) -> None:
    """The surface from its tangent plane up to somewhat above the barriers between the phases."""
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection  # type: ignore[import-untyped]

    names = diagram.specification.model.names
    composition = np.array(list(diagram.specification.composition.values()))
    upper = 1.25 * np.maximum(phases.max(axis=0), composition)
    grid = np.stack(np.meshgrid(*(np.linspace(0.0, end, _SURFACE) for end in upper)))
    flat = grid.reshape(2, -1)
    height = plane.heights(flat, free_energy.density(flat)).reshape(grid.shape[1:])
    middles = np.array([0.5 * (one + other) for one in phases for other in phases if one is not other] or [composition]).T
    barrier = float(np.max(plane.heights(middles, free_energy.density(middles))))
    cap = 1.5 * barrier if phases.shape[0] > 1 else float(np.quantile(height, 0.4))
    faces, shades = _faces(np.concatenate([grid, height[None]]), cap)
    # seen from above, whatever lies above the plane hides it, and marks lie on top
    axis.computed_zorder = False
    corners = [(0.0, 0.0, 0.0), (upper[0], 0.0, 0.0), (upper[0], upper[1], 0.0), (0.0, upper[1], 0.0)]
    axis.add_collection3d(Poly3DCollection([corners], facecolor=_PLANE, alpha=0.45, zorder=1))
    axis.add_collection3d(
        Poly3DCollection(faces, facecolors=shades, edgecolors=shades, linewidth=0.2, zorder=2, rasterized=True)
    )
    lines = np.vstack([phases, phases[:1]])
    axis.plot(lines[:, 0], lines[:, 1], 0.0, "--", color="black", linewidth=0.8, zorder=3)
    axis.plot(phases[:, 0], phases[:, 1], 0.0, "o", color="black", markersize=4, zorder=4)
    axis.view_init(elev=32, azim=-125)
    axis.set_box_aspect((1.0, 1.0, 0.6), zoom=0.92)
    axis.set_xlim(0.0, upper[0])
    axis.set_ylim(0.0, upper[1])
    axis.set_zlim(0.0, cap)
    axis.set_xlabel(rf"$\rho_{{{names[0]}}}$")
    axis.set_ylabel(rf"$\rho_{{{names[1]}}}$")
    axis.set_zlabel("$f$ less its tangent plane")


def _faces(surface: Array, cap: float) -> tuple[list[Array], Array]:
    """Cells of a surface (x, y, z; row, column) cut off at a height, each (corner, 3), and their colours."""
    from matplotlib.colors import LightSource

    height = np.minimum(surface[2], cap)
    colours = LightSource(azdeg=60, altdeg=55).shade(height, cmap=_colour_map(), blend_mode="soft", vmin=0.0, vmax=cap)
    faces, shades = [], []
    rows, columns = surface.shape[1:]
    for i in range(rows - 1):
        for j in range(columns - 1):
            corners = np.array([surface[:, i, j], surface[:, i, j + 1], surface[:, i + 1, j + 1], surface[:, i + 1, j]])
            if corners[:, 2].min() < cap:
                faces.append(_below(corners, cap))
                shades.append(colours[i, j])
    return faces, np.array(shades)


def _below(corners: Array, cap: float) -> Array:
    """The part of a polygon (corner, 3) below a height."""
    if corners[:, 2].max() <= cap:
        return corners
    out = []
    for first, second in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if first[2] <= cap:
            out.append(first)
        if (first[2] <= cap) != (second[2] <= cap):
            out.append(first + (cap - first[2]) / (second[2] - first[2]) * (second - first))
    return np.array(out)


def _colour_map() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("heights", ["#b5651d", "#dfa95b", "#f2d9a8", "#f7efe0"])
