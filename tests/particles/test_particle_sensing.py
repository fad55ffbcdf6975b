"""Sensed densities by both ways, against sums over all pairs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from particles import ParticleEngine
from tests.particles.builders import TUMBLING, free, mixture, ordered, placed
from theory import InputError, Kernel, Model, PairSensing, Sensing, Species

Array = NDArray[np.float64]


def distances(positions: Array, size: Array) -> Array:
    """Nearest-image distances of all pairs, (particle, particle)."""
    gap = positions[:, :, None] - positions[:, None, :]
    gap -= size[:, None, None] * np.round(gap / size[:, None, None])
    return np.asarray(np.sqrt(np.sum(gap**2, axis=0)))


def all_pairs(engine: ParticleEngine, positions: Array) -> Array:
    """Sensed densities (source, particle), in the order of permanent numbers."""
    model, species = engine.model, engine.species
    r = distances(positions, engine.size)
    out = np.zeros((model.number_of_species, species.size))
    for observer in range(model.number_of_species):
        for source in range(model.number_of_species):
            kernel = model.channels.kernels[model.channels.index[observer, source]]
            block = np.ix_(species == observer, species == source)
            near = np.where(r[block] < kernel.support, kernel(r[block]), 0.0)
            out[source, species == observer] = np.sum(near, axis=1)
            if observer == source and not model.sensing.count_self:
                out[source, species == observer] -= kernel(0.0)
    return out


def relative_difference(a: Array, b: Array) -> float:
    """Root mean square of the difference, relative to the mean."""
    return float(np.sqrt(np.mean((a - b) ** 2)) / np.mean(b))


@settings(max_examples=80)
@given(
    st.integers(0, 2**32),
    st.integers(1, 3),
    st.sampled_from(["bump", "linear", "gaussian", "exponential"]),
    st.lists(st.floats(1.0, 3.0), min_size=3, max_size=3),
    st.tuples(st.integers(1, 60), st.integers(0, 60)),
    st.booleans(),
    st.booleans(),
)
def test_cells_find_all_pairs(
    seed: int, dimension: int, name: str, stretch: list[float], numbers: tuple[int, int], count_self: bool, clustered: bool
) -> None:
    """In boxes as small as allowed (stretch 1) and for particles anywhere, also on edges; kernels are exact to 3e-10."""
    # the exponential kernel is infinite at zero but in one dimension
    name = "bump" if name == "exponential" and dimension > 1 else name
    sensing = Sensing(name, 0.7, count_self=count_self)
    kernel = Kernel(name, 0.7, dimension)
    size = 2.0 * kernel.support * np.array(stretch[:dimension])
    composition = np.array(numbers) / np.prod(size)
    engine = ParticleEngine(mixture(sensing, dimension=dimension), size, composition, time_step=0.1, sensing="exact", seed=1)
    rng = np.random.default_rng(seed)
    positions = size[:, None] * rng.random((dimension, sum(numbers)))
    if clustered:
        positions[:, ::2] = size[:, None] * (0.01 * rng.standard_normal(positions[:, ::2].shape) % 1.0)
    positions[:, 0] = 0.0
    placed(engine, np.minimum(positions, np.nextafter(size, 0.0)[:, None]))
    expected = all_pairs(engine, ordered(engine, engine.positions))
    # at the very end of a Gaussian's support it depends on rounding whether a pair counts
    slack = 1e-8 if name in ("gaussian", "exponential") else 1e-13
    sensed = ordered(engine, engine.sensed_densities())
    np.testing.assert_allclose(sensed, expected, rtol=1e-9, atol=slack * float(kernel(0.0)))


def test_exact_sums_are_accurate() -> None:
    """At density 100 sensed densities err by less than 1e-9 of themselves (1e-8 is asked for)."""
    for dimension, edge in ((1, 40.0), (2, 4.0), (3, 2.5)):
        engine = ParticleEngine(
            free(TUMBLING, dimension=dimension), [edge] * dimension, {"A": 100.0}, time_step=0.1, sensing="exact", seed=4
        )
        expected = all_pairs(engine, ordered(engine, engine.positions))
        relative = ordered(engine, engine.sensed_densities()) / expected - 1.0
        assert np.max(np.abs(relative)) < 1e-9


PAIRS = (PairSensing("A", "B", "linear", 0.8), PairSensing("B", "B", "gaussian", 0.25), PairSensing("B", "A", "bump", 1.2))


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("sensing", ["exact", "mesh"])
@pytest.mark.parametrize("count_self", [True, False])
def test_kernels_of_pairs(sensing: str, count_self: bool, dimension: int) -> None:
    model = mixture(Sensing("bump", 1.0, PAIRS, count_self), dimension=dimension)
    size = {1: [20.0], 2: [5.0, 4.5], 3: [3.5, 3.3, 3.4]}[dimension]
    engine = ParticleEngine(
        model,
        size,
        {"A": 20.0, "B": 35.0},
        time_step=0.1,
        sensing=sensing,  # type: ignore[arg-type]
        seed=6,
        mesh_spacing=0.1 if sensing == "mesh" else None,
    )
    expected = all_pairs(engine, ordered(engine, engine.positions))
    sensed = ordered(engine, engine.sensed_densities())
    # the Gaussian of width 0.25 has 2.5 mesh cells per width
    assert relative_difference(sensed, expected) < (1e-8 if sensing == "exact" else 4e-3)


def mesh_error(cells_per_range: float, kernel: str = "bump") -> float:
    """Root mean square relative error of the mesh at density 100, against exact sums."""
    model = Model(2, [Species("A", TUMBLING, "1.0")], {}, Sensing(kernel))
    arguments = {"time_step": 0.1, "seed": 8}
    size, composition = [12.9, 13.4], {"A": 100.0}
    exact = ParticleEngine(model, size, composition, sensing="exact", **arguments)  # type: ignore[arg-type]
    mesh = ParticleEngine(model, size, composition, mesh_spacing=1.0 / cells_per_range, **arguments)  # type: ignore[arg-type]
    a, b = (ordered(e, e.sensed_densities()) for e in (exact, mesh))
    return float(np.sqrt(np.mean((b / a - 1.0) ** 2)))


def test_mesh_converges() -> None:
    """The bounds are the errors that the documentation states."""
    for kernel, stated in (("bump", (2.4e-3, 5.7e-4, 7e-5)), ("linear", (2.0e-3, 7.8e-4, 3.0e-4))):
        for cells, error in zip((4.0, 8.0, 16.0), stated, strict=True):
            # 17000 neighbourhoods, of which some hundred are independent
            assert mesh_error(cells, kernel) == pytest.approx(error, rel=0.1)


def test_default_mesh_is_an_eighth_of_the_range() -> None:
    engine = ParticleEngine(mixture(Sensing("bump", 0.8)), [4.0, 8.0], {"A": 5.0, "B": 5.0}, time_step=0.1, seed=1)
    assert engine._perception.mesh.mesh.grid.shape == (80, 40)  # type: ignore[union-attr]


@pytest.mark.parametrize("sensing", ["exact", "mesh"])
def test_translation_changes_nothing(sensing: str) -> None:
    """By any vector for the exact sums; by whole cells for the mesh to round-off, by any vector within twice its error."""
    engine = ParticleEngine(mixture(), [4.0, 5.0], {"A": 40.0, "B": 30.0}, time_step=0.1, sensing=sensing, seed=5)  # type: ignore[arg-type]
    start = ordered(engine, engine.positions)
    before = ordered(engine, engine.sensed_densities())
    for shift, tolerance in (((3.0 * 0.125, 37.0 * 0.125), 1e-12), ((1.2345, 3.3333), 1e-12 if sensing == "exact" else 1.5e-3)):
        placed(engine, (start + np.array(shift)[:, None]) % engine.size[:, None])
        assert relative_difference(ordered(engine, engine.sensed_densities()), before) < tolerance


@pytest.mark.parametrize("sensing", ["exact", "mesh"])
def test_a_lonely_particle_senses_itself_or_nothing(sensing: str) -> None:
    peak = float(Kernel("bump", 1.0, 2)(0.0))
    for position in ([0.0, 0.0], [1.03, 2.71], [4.9999, 3.3]):
        sensed = {}
        for count_self in (True, False):
            model = Model(2, [Species("A", TUMBLING, "1.0")], {}, Sensing(count_self=count_self))
            engine = ParticleEngine(model, [5.0, 5.0], {"A": 0.04}, time_step=0.1, sensing=sensing, seed=1)  # type: ignore[arg-type]
            placed(engine, np.array(position)[:, None])
            sensed[count_self] = float(engine.sensed_densities()[0, 0])
        assert sensed[True] == pytest.approx(peak, rel=3e-10 if sensing == "exact" else 0.05)
        assert abs(sensed[False]) < 1e-12 * peak


def test_exponential_kernel_on_the_mesh() -> None:
    """Two particles further apart than some spacings sense each other as the kernel says; neither senses itself."""
    model = Model(2, [Species("A", TUMBLING, "1.0")], {}, Sensing("exponential", 0.5, count_self=False))
    engine = ParticleEngine(model, [16.0, 16.0], {"A": 2.0 / 256.0}, time_step=0.1, seed=1)
    kernel = Kernel("exponential", 0.5, 2)
    for distance in (0.5, 1.0, 2.0):
        placed(engine, np.array([[3.01, 3.01 + distance * np.cos(0.7)], [5.02, 5.02 + distance * np.sin(0.7)]]))
        np.testing.assert_allclose(engine.sensed_densities()[0], float(kernel(distance)), rtol=1e-2)


@pytest.mark.parametrize(
    ("sensing", "how", "message"),
    [
        (Sensing("local"), {"sensing": "mesh"}, "choose a kernel with a range"),
        (Sensing("local"), {"sensing": "exact"}, "choose a kernel with a range"),
        (Sensing("exponential"), {"sensing": "mesh"}, "count_self = false"),
        (Sensing("exponential", count_self=False), {"sensing": "exact"}, 'use sensing = "mesh"'),
        (Sensing("bump", 2.1), {"sensing": "exact"}, "beyond half of the smallest edge of the box, 4"),
        (Sensing("gaussian", 0.5), {"sensing": "exact"}, "enlarge the box or use"),
        (Sensing("bump", 1.0), {"sensing": "mesh", "mesh_spacing": 0.6}, "at most half of the smallest sensing range, 0.5"),
        (Sensing("bump", 1.0), {"sensing": "mesh", "mesh_spacing": 0.0}, "mesh_spacing is 0"),
        (Sensing("bump", 1.0), {"sensing": "exact", "mesh_spacing": 0.1}, "exact sensing has no mesh"),
        (Sensing("bump", 1.0), {"sensing": "grid"}, 'must be "mesh" or "exact"'),
    ],
)
def test_what_cannot_be_sensed_is_refused(sensing: Sensing, how: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ParticleEngine(mixture(sensing), [5.0, 4.0], {"A": 5.0, "B": 5.0}, time_step=0.1, seed=1, **how)  # type: ignore[arg-type]
