"""Sorting of the storage, against numpy's stable sort."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from particles.neighbours import _MARGIN, CellOrder, SlabOrder
from particles.state import Particles
from theory.compiling import set_threads


def random_particles(rng: np.random.Generator, numbers: list[int], size: np.ndarray, predicts: bool = False) -> Particles:
    count, d = sum(numbers), size.size
    positions = size[:, None] * rng.random((d, count))
    # some lie exactly on an edge of the box
    positions[:, : min(2, count)] = 0.0
    offsets = np.concatenate([[0], np.cumsum(numbers)])
    particles = Particles(positions, rng.random((d, count)), np.arange(count), offsets, predicts=predicts)
    particles.places[:] = size[:, None] * rng.random((d, count)) if predicts else positions
    return particles


def keys(particles: Particles, order: CellOrder) -> np.ndarray:
    key = np.zeros(particles.number, dtype=int)
    for along, per_length, cells in zip(particles.places[::-1], order.cells_per_length[::-1], order.shape, strict=True):
        key = key * cells + np.minimum((along * per_length).astype(int), cells - 1)
    return key


@given(
    st.integers(0, 2**32),
    st.lists(st.integers(0, 300), min_size=1, max_size=3),
    st.lists(st.integers(1, 12), min_size=1, max_size=3),
    st.integers(1, 9),
    st.integers(1, 2),
    st.booleans(),
)
def test_sort_is_stable_and_keeps_species_apart(
    seed: int, numbers: list[int], shape: list[int], slabs_per_strip: int, threads: int, predicts: bool
) -> None:
    set_threads(threads)
    size = np.array([3.0, 7.0, 2.0])[: len(shape)]
    particles = random_particles(np.random.default_rng(seed), numbers, size, predicts)
    order = CellOrder(size, tuple(shape), particles.offsets, slabs_per_strip)
    expected = np.lexsort((keys(particles, order), particles.species))
    before = tuple(array.copy() for array in particles.arrays)
    order.sort(particles)
    for old, new in zip(before, particles.arrays, strict=True):
        np.testing.assert_array_equal(old[..., expected], new)
    cells = int(np.prod(shape))
    for species in range(len(numbers)):
        inside = keys(particles, order)[particles.slice_of(species)]
        starts = particles.offsets[species] + np.searchsorted(inside, np.arange(cells + 1))
        np.testing.assert_array_equal(order.starts[species], starts)
        np.testing.assert_array_equal(order.strips[species], starts[order.first_slabs * (cells // shape[0])])
    heights = np.diff(order.first_slabs)
    assert heights.size % 2 == 0 or heights.size == 1
    assert heights.size == 1 or heights.min() >= slabs_per_strip


@given(st.integers(0, 2**32), st.floats(0.0, 0.4), st.integers(1, 3))
def test_strays_are_those_beyond_the_margin(seed: int, displacement: float, dimension: int) -> None:
    rng = np.random.default_rng(seed)
    size = np.array([1.0, 1.5, 2.0])[-dimension:]
    particles = random_particles(rng, [40, 30], size)
    order = SlabOrder(size, (40, *(1,) * (dimension - 1)), particles.offsets)
    order.sort(particles)
    assert not order.has_strays(particles)
    along = particles.positions[-1]
    along[:] = (along + displacement * rng.standard_normal(70)) % size[-1]
    slab = np.minimum((along * order.cells_per_length[-1]).astype(int), 39)
    strays = False
    for species in range(2):
        for strip, (start, stop) in enumerate(zip(order.strips[species, :-1], order.strips[species, 1:], strict=True)):
            allowed = np.arange(order.first_slabs[strip] - _MARGIN, order.first_slabs[strip + 1] + _MARGIN) % 40
            strays |= not np.all(np.isin(slab[start:stop], allowed))
    assert order.has_strays(particles) == strays
    before = particles.identities.copy()
    order.prepare(particles)
    assert strays or np.array_equal(before, particles.identities)
    assert not order.has_strays(particles)
