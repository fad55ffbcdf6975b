"""Sorting of the storage, against numpy's stable sort."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from particles.neighbours import CellOrder
from particles.state import Particles
from theory.compiling import set_threads


def random_particles(rng: np.random.Generator, numbers: list[int], size: np.ndarray) -> Particles:
    count = sum(numbers)
    positions = size[:, None] * rng.random((2, count))
    # some lie exactly on an edge of the box
    positions[:, : min(2, count)] = 0.0
    offsets = np.concatenate([[0], np.cumsum(numbers)])
    return Particles(positions, rng.random((2, count)), np.arange(count), offsets)


def keys(particles: Particles, order: CellOrder) -> np.ndarray:
    rows, columns = order.shape
    row = np.minimum((particles.positions[1] * order.cells_per_length[1]).astype(int), rows - 1)
    column = np.minimum((particles.positions[0] * order.cells_per_length[0]).astype(int), columns - 1)
    return row * columns + column


@given(
    st.integers(0, 2**32),
    st.lists(st.integers(0, 300), min_size=1, max_size=3),
    st.tuples(st.integers(1, 40), st.integers(1, 12)),
    st.integers(1, 9),
    st.integers(1, 2),
)
def test_sort_is_stable_and_keeps_species_apart(
    seed: int, numbers: list[int], shape: tuple[int, int], rows_per_strip: int, threads: int
) -> None:
    set_threads(threads)
    size = np.array([3.0, 7.0])
    particles = random_particles(np.random.default_rng(seed), numbers, size)
    order = CellOrder(size, shape, particles.offsets, rows_per_strip)
    expected = np.lexsort((keys(particles, order), particles.species))
    before = tuple(array.copy() for array in particles.arrays)
    order.sort(particles)
    for old, new in zip(before, particles.arrays, strict=True):
        np.testing.assert_array_equal(old[..., expected], new)
    for species in range(len(numbers)):
        inside = keys(particles, order)[particles.slice_of(species)]
        starts = particles.offsets[species] + np.searchsorted(inside, np.arange(shape[0] * shape[1] + 1))
        np.testing.assert_array_equal(order.starts[species], starts)
        np.testing.assert_array_equal(order.strips[species], starts[order.first_rows * shape[1]])
    heights = np.diff(order.first_rows)
    assert heights.size % 2 == 0 or heights.size == 1
    assert heights.size == 1 or heights.min() >= rows_per_strip


@given(st.integers(0, 2**32), st.floats(0.0, 0.2), st.integers(0, 3))
def test_strays_are_those_beyond_the_margin(seed: int, displacement: float, margin: int) -> None:
    rng = np.random.default_rng(seed)
    size = np.array([1.0, 2.0])
    particles = random_particles(rng, [40, 30], size)
    order = CellOrder(size, (40, 1), particles.offsets, 8)
    order.sort(particles)
    assert not order.has_strays(particles, 0)
    particles.positions[1] = (particles.positions[1] + displacement * rng.standard_normal(70)) % size[1]
    row = keys(particles, order)
    strays = False
    for species in range(2):
        for strip, (start, stop) in enumerate(zip(order.strips[species, :-1], order.strips[species, 1:], strict=True)):
            allowed = np.arange(order.first_rows[strip] - margin, order.first_rows[strip + 1] + margin) % 40
            strays |= not np.all(np.isin(row[start:stop], allowed))
    assert order.has_strays(particles, margin) == strays
