"""What a run tells its reader at the end: sentences on steps, meshes and rates that cost accuracy."""

import numpy as np

from particles.motion import Integrator
from particles.sensing import MeshSensing
from particles.state import Particles
from theory.arrays import Array
from theory.model import Model

# Relative error by the time step from which on it is told.
_LARGEST_ERROR = 0.02
# Farthest move in a step, in units of the smallest sensing range, from which on it is told: coexisting densities then err by
# some per cent.
_LARGEST_MOVE = 0.5
# Spacing of the mesh, in units of the smallest length that it must resolve, up to which its errors stay below 0.3 %.
_COARSE_MESH = 0.25


def step_warnings(model: Model, integrator: Integrator, time_step: float) -> list[str]:
    """What the time step does to diffusivities and, with Euler and Maruyama's scheme, to the motility feedback."""
    found = []
    shares = time_step / model.persistence_times
    # (x/2) coth(x/2) - 1 of x = dt/tau
    excess = float(np.max(shares**2)) / 12.0
    if excess > _LARGEST_ERROR:
        found.append(
            f"the time step raises the diffusivity by {100.0 * excess:.2g} % (it is {np.max(shares):.2g} persistence times "
            "long); shorten particles.time_step"
        )
    bias = float(np.max(np.tanh(0.5 * shares)))
    if integrator == "euler" and np.any(model.senses) and bias > _LARGEST_ERROR:
        found.append(
            f"the time step strengthens the motility feedback by {100.0 * bias:.2g} % (tanh of half the step over the "
            'persistence time); choose particles.integrator = "midpoint" or shorten particles.time_step'
        )
    return found


def length_warnings(model: Model, speeds: Array, particles: Particles, time_step: float) -> list[str]:
    """Steps that are long beside the sensing range."""
    number = model.number_of_species
    moves = [0.0]
    for n in np.flatnonzero(np.any(model.senses[:, :number], axis=1)):
        own = speeds[particles.slice_of(int(n))]
        moves.append(float(np.max(own, initial=0.0)) * time_step)
    share = max(moves) / float(np.min(model.sensing_ranges)) if max(moves) > 0.0 else 0.0
    if share <= _LARGEST_MOVE:
        return []
    return [f"particles move by up to {share:.2g} sensing ranges in a step: speeds err; shorten particles.time_step"]


def cut_warnings(names: tuple[str, ...], shares: Array) -> list[str]:
    """Reorientation rates that chemotaxis would have made negative, or too large for the time step."""
    return [
        f"{100.0 * share:.2g} % of the reorientation rates of {name} were cut, at zero or at the largest that the time step "
        "allows: the bias by the chemicals is not small"
        for name, share in zip(names, shares, strict=True)
        if share > 0.0
    ]


def mesh_warnings(model: Model, sensing: MeshSensing) -> list[str]:
    """Meshes that are coarse beside what they must resolve."""
    shortest = float(np.min(model.sensing_ranges)) if sensing.senses_densities else float("inf")
    share = max(sensing.mesh.grid.spacing) / shortest
    if share <= _COARSE_MESH * (1.0 + 1e-12):
        return []
    return [
        f"the sensing mesh has {1.0 / share:.2g} cells per sensing range: sensed densities err by more than 0.3 %; "
        "lower particles.mesh_spacing"
    ]
