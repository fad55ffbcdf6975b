"""Fields on other grids: waves keep their places, means are kept, and there and back is the same."""

import numpy as np
import pytest

from theory.arrays import Array
from theory.resampling import resampled


def centres(cells: int) -> Array:
    """In units of the box."""
    return (np.arange(cells) + 0.5) / cells


def waves(shape: tuple[int, ...]) -> Array:
    """A few long waves, some along the diagonal, at the cell centres of a grid."""
    meshes = np.meshgrid(*(2.0 * np.pi * centres(cells) for cells in shape), indexing="ij")
    total = 3.0 + np.cos(meshes[0] + 0.4)
    for n, mesh in enumerate(meshes[1:], start=2):
        total = total + np.sin(n * mesh - 1.0) * np.cos(meshes[0])
    return np.asarray(total)


@pytest.mark.parametrize(
    ("old", "new"),
    [((16,), (24,)), ((17,), (9,)), ((16, 12), (9, 30)), ((16, 12), (16, 14)), ((12, 10, 14), (9, 14, 12))],
)
def test_waves_are_where_they_were(old: tuple[int, ...], new: tuple[int, ...]) -> None:
    np.testing.assert_allclose(resampled(waves(old), new), waves(new), atol=1e-13)


def test_leading_axes_are_left_alone() -> None:
    both = np.stack([waves((16, 12)), waves((16, 12)) ** 2])
    found = resampled(both, (20, 20))
    np.testing.assert_array_equal(found, np.stack([resampled(one, (20, 20)) for one in both]))
    assert found.shape == (2, 20, 20)


def test_means_are_kept_and_the_way_back_restores_what_both_hold() -> None:
    field = np.random.default_rng(1).uniform(0.0, 1.0, (3, 16, 15))
    there = resampled(field, (32, 21))
    np.testing.assert_allclose(there.mean(axis=(1, 2)), field.mean(axis=(1, 2)), rtol=1e-13)
    back = resampled(there, (16, 15))
    # but for the waves of half as many periods as there are cells, along the axis where their number is even
    modes = np.fft.fft2(field)
    modes[:, 8, :] = 0.0
    np.testing.assert_allclose(back, np.fft.ifft2(modes).real, atol=1e-13)


def test_the_same_grid_is_a_copy() -> None:
    field = np.random.default_rng(2).uniform(0.0, 1.0, (8, 8))
    found = resampled(field, (8, 8))
    np.testing.assert_array_equal(found, field)
    assert found is not field
