"""The VTKHDF view of a segment: the same numbers, shown to ParaView as images in time, without a copy.

Type ``ImageData`` of the VTKHDF format, version 2.2 (https://docs.vtk.org, "VTKHDF format specification").
For point data of a two-dimensional image the VTK reader expects arrays of rank 3, (time, y, x), which is how
frames are stored, so the arrays are soft links to the data. A variable with one more axis in front, for
example (species, y, x), is shown as one image per entry of that axis through HDF5 virtual datasets. The
points of the image are the points of the coordinates.
"""

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from theory.frames import Array

GROUP = "VTKHDF"
VERSION = (2, 2)
TYPE = b"ImageData"
# Deviation from even spacing, in spacings, that rounding of coordinates may cause and an eye never sees.
SPACING_TOLERANCE = 1e-6


def link_images(file: Any, dimensions: Mapping[str, tuple[str, ...]], coordinates: Mapping[str, Array], frames: int) -> None:
    """Add the group ``/VTKHDF`` to a file that holds the data, if there are images to show.

    Images are the variables whose last dimensions are (z, y, x) or, if there are none, (y, x), with one more in front at
    most, on evenly spaced coordinates of two points or more.

    Parameters
    ----------
    file
        Open h5py file with ``/time`` and the variables as datasets with time first.
    dimensions
        The dimensions of each variable, without time.
    coordinates
        Coordinate values by dimension name.
    frames
        Number of frames in the file.
    """
    axes = _image_axes(dimensions, coordinates)
    if axes is None:
        return
    group = file.create_group(GROUP, track_order=True)
    _describe_grid(group, [np.asarray(coordinates[axis]) for axis in reversed(axes)])
    steps = group.create_group("Steps")
    steps.attrs["NSteps"] = np.int64(frames)
    steps["Values"] = h5py.SoftLink("/time")
    arrays = group.create_group("PointData", track_order=True)
    offsets = steps.create_group("PointDataOffsets")
    for name, own in dimensions.items():
        leading = own[: -len(axes)]
        if own[-len(axes) :] != axes or len(leading) > 1:
            continue
        if leading:
            _add_entries(arrays, offsets, name, _labels(file[name].shape[1], coordinates.get(leading[0])))
        else:
            arrays[name] = h5py.SoftLink(f"/{name}")
            offsets[name] = np.arange(frames)


def _image_axes(dimensions: Mapping[str, tuple[str, ...]], coordinates: Mapping[str, Array]) -> tuple[str, ...] | None:
    for axes in (("z", "y", "x"), ("y", "x")):
        count = len(axes)
        has_images = any(own[-count:] == axes and len(own) <= count + 1 for own in dimensions.values())
        if has_images and all(axis in coordinates and _is_even(coordinates[axis]) for axis in axes):
            return axes
    return None


def _is_even(points: Array) -> bool:
    if len(points) < 2 or points.dtype.kind not in "iuf" or not np.isfinite(points).all():
        return False
    exact = np.linspace(points[0], points[-1], len(points))
    spacing = float(exact[1] - exact[0])
    return spacing > 0 and float(np.abs(points - exact).max()) <= SPACING_TOLERANCE * spacing


def _describe_grid(group: Any, points: list[Array]) -> None:
    """Write extent, origin and spacing of the grid; ``points`` holds x, y and, in three dimensions, z."""
    flat = [np.zeros(1)] * (3 - len(points))
    every = [np.asarray(axis, dtype=np.float64) for axis in (*points, *flat)]
    spacings = [(axis[-1] - axis[0]) / (len(axis) - 1) if len(axis) > 1 else 1.0 for axis in every]
    group.attrs["Version"] = np.array(VERSION, dtype=np.int64)
    group.attrs.create("Type", np.bytes_(TYPE), dtype=h5py.string_dtype("ascii", len(TYPE)))
    group.attrs["WholeExtent"] = np.array([end for axis in every for end in (0, len(axis) - 1)], dtype=np.int64)
    group.attrs["Origin"] = np.array([axis[0] for axis in every])
    group.attrs["Spacing"] = np.array(spacings)
    group.attrs["Direction"] = np.eye(3).ravel()


def _labels(count: int, labels: Array | None) -> list[str]:
    """Names for the entries of a leading axis: its coordinate where that holds distinct names, numbers otherwise."""
    if labels is not None and labels.dtype.kind == "U":
        names = [str(label) for label in labels]
        if len(set(names)) == count and all("/" not in name for name in names):
            return names
    return [str(entry) for entry in range(count)]


def _add_entries(arrays: Any, offsets: Any, name: str, labels: list[str]) -> None:
    source = arrays.file[name]
    for entry, label in enumerate(labels):
        layout = h5py.VirtualLayout((source.shape[0], *source.shape[2:]), source.dtype)
        layout[...] = h5py.VirtualSource(source)[:, entry]
        arrays.create_virtual_dataset(f"{name}[{label}]", layout)
        offsets[f"{name}[{label}]"] = np.arange(source.shape[0])
