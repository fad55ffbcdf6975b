"""Segments: a batch of frames as one HDF5 file, made in memory.

What a segment holds, with time as the first axis of every variable:

    /time  /step              (time,)   float64, int64
    /<coordinate>             (size,)   HDF5 dimension scales, the same in every segment of a run
    /<variable>               (time, ...)   one chunk per frame, checksummed (fletcher32), unlimited in time
    /run/file  /run/provenance          the run file and a JSON text, as scalar datasets
    /VTKHDF                             links to the variables for ParaView, see `runs.store.vtkhdf`

Dimension scales, units and long names follow the netCDF-4 data model (NetCDF User's Guide, "Interoperability
with HDF5"), so that xarray opens a segment. HDF5 never writes to the disk here: a full disk inside the HDF5
library crashes the interpreter, and a file that is appended to in place loses data when its writer is killed.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import h5py
import numpy as np

from runs.store.layout import STRUCTURAL_ATTRIBUTES, Layout, VariableLayout
from runs.store.vtkhdf import link_images
from theory.frames import Array, Frame, Json, Variable

FORMAT = "twoscale frames"
FORMAT_VERSION = 1
LIBRARY_VERSIONS = ("earliest", "v110")
BARE_DIMENSION = "This is a netCDF dimension but not a netCDF variable."
GZIP_LEVEL = 4
# HDF5 refuses chunks of 4 GiB; larger frames are cut along their first axes.
LARGEST_CHUNK = 2**30
# A time series has one number per frame: chunks of one number would cost more than their content.
SERIES_CHUNK = 2**12
MEMORY_INCREMENT = 2**20

Precision = Literal["float32", "float64"]
Compression = Literal["none", "gzip"]


@dataclass(frozen=True)
class StorageOptions:
    """How frames are stored.

    Parameters
    ----------
    precision
        Type of floating-point arrays; time, coordinates and time series are always float64.
    compression
        "gzip" makes fields of a noisy run 1.1 to 1.3 times smaller and ten times slower to write.
    time_units
        Units of the times of the frames.
    """

    precision: Precision = "float32"
    compression: Compression = "none"
    time_units: str = "1"


@dataclass(frozen=True)
class RunRecord:
    """What is said of a run in each of its files.

    Parameters
    ----------
    scale
        "fields" or "particles".
    run_file_text
        The run file as given.
    provenance
        Versions, seed, host, planner of the Fourier transforms: what tells where the numbers come from.
    options
        How frames are stored.
    """

    scale: str
    run_file_text: str
    provenance: Mapping[str, Json]
    options: StorageOptions


@dataclass(frozen=True)
class StoredFrame:
    """A frame converted to the types it is stored with.

    Parameters
    ----------
    time, step
        As in `theory.frames.Frame`.
    arrays
        Own copies of the data, by name.
    """

    time: float
    step: int
    arrays: Mapping[str, Array]

    @classmethod
    def of(cls, frame: Frame, layout: Layout) -> "StoredFrame":
        """Copy the data of ``frame`` in the types of ``layout``.

        Raises
        ------
        ValueError
            A finite value is beyond the range of the stored type.
        """
        arrays = {name: _convert(name, frame.variables[name].data, own) for name, own in layout.variables.items()}
        return cls(float(frame.time), int(frame.step), arrays)

    @property
    def bytes(self) -> int:
        """Memory that the arrays take."""
        return sum(array.nbytes for array in self.arrays.values())


def _convert(name: str, data: Array, layout: VariableLayout) -> Array:
    try:
        # A signalling nan becomes a quiet one: no information is lost. Overflow would turn a number into infinity.
        with np.errstate(over="raise", invalid="ignore"):
            return np.array(data, dtype=layout.stored_dtype, order="C")
    except FloatingPointError as error:
        raise ValueError(
            f"{name}: a value is beyond the range of {layout.stored_dtype}; store this run with precision 'float64'"
        ) from error


def build_segment(layout: Layout, frames: Sequence[StoredFrame], first_frame: int, record: RunRecord) -> bytes:
    """Return the bytes of the HDF5 file that holds ``frames``.

    Parameters
    ----------
    layout
        What all frames look like.
    frames
        At least one frame.
    first_frame
        Index of the first of them in the run.
    record
        What to say of the run.

    Returns
    -------
    bytes
        A complete HDF5 file; the same input gives the same bytes.
    """
    with h5py.File(
        "segment",
        "w",
        driver="core",
        backing_store=False,
        block_size=MEMORY_INCREMENT,
        libver=LIBRARY_VERSIONS,
        track_order=True,
    ) as file:
        write_frames(file, layout, len(frames), first_frame, record, [frames])
        file.flush()
        image: bytes = file.id.get_file_image()
    return image


def write_frames(
    file: Any,
    layout: Layout,
    count: int,
    first_frame: int,
    record: RunRecord,
    batches: Iterable[Sequence[StoredFrame]],
) -> None:
    """Write a whole file of frames to an open, empty h5py file.

    Parameters
    ----------
    file
        Open h5py file.
    layout, first_frame, record
        As for `build_segment`.
    count
        Number of frames in all batches together.
    batches
        The frames in order.
    """
    file.attrs["format"] = FORMAT
    file.attrs["format_version"] = FORMAT_VERSION
    file.attrs["scale"] = record.scale
    file.attrs["first_frame"] = first_frame
    file.attrs["frames"] = count
    run = file.create_group("run")
    run["file"] = record.run_file_text
    run["provenance"] = json.dumps(record.provenance, indent=2)
    _create_datasets(file, layout, count, record.options)
    link_images(
        file,
        {name: own.dimensions for name, own in layout.variables.items()},
        {name: own.data for name, own in layout.coordinates.items()},
        count,
    )
    start = 0
    for batch in batches:
        _fill(file, layout, start, batch)
        start += len(batch)


def _create_datasets(file: Any, layout: Layout, count: int, options: StorageOptions) -> None:
    time = _create_dataset(file, "time", (count,), np.dtype(np.float64), options.compression)
    _describe(time, options.time_units, "time", {})
    time.make_scale("time")
    step = _create_dataset(file, "step", (count,), np.dtype(np.int64), options.compression)
    _describe(step, "1", "number of steps taken", {})
    step.dims[0].attach_scale(time)
    for name, coordinate in layout.coordinates.items():
        _create_coordinate(file, name, coordinate)
    for name, size in layout.sizes.items():
        if name not in layout.coordinates:
            bare = file.create_dataset(name, shape=(size,), dtype=">f4")
            bare.make_scale(f"{BARE_DIMENSION}{size:10d}")
    for name, own in layout.variables.items():
        dataset = _create_dataset(file, name, (count, *own.shape), own.stored_dtype, options.compression)
        _describe(dataset, own.units, own.long_name, own.attributes)
        if own.dtype.kind == "b":
            # The convention by which xarray stores and reads truth values, which netCDF does not know.
            dataset.attrs["dtype"] = "bool"
        for axis, dimension in enumerate(("time", *own.dimensions)):
            dataset.dims[axis].attach_scale(file[dimension])


def _create_dataset(file: Any, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], compression: Compression) -> Any:
    if 0 in shape:
        return file.create_dataset(name, shape=shape, dtype=dtype)
    filters = {"compression": "gzip", "compression_opts": GZIP_LEVEL, "shuffle": True} if compression == "gzip" else {}
    return file.create_dataset(
        name,
        shape=shape,
        dtype=dtype,
        maxshape=(None, *shape[1:]),
        chunks=chunk_shape(shape, dtype.itemsize),
        fletcher32=True,
        **filters,
    )


def chunk_shape(shape: tuple[int, ...], item_size: int, limit: int = LARGEST_CHUNK) -> tuple[int, ...]:
    """Return the chunk for a dataset of ``shape``: one frame, cut along its first axes where that is too large.

    Parameters
    ----------
    shape
        Shape of the dataset, time first, no entry zero.
    item_size
        Bytes per number.
    limit
        Largest chunk in bytes.
    """
    if len(shape) == 1:
        return (min(shape[0], SERIES_CHUNK),)
    chunk = [1, *shape[1:]]
    for axis in range(1, len(chunk)):
        rest = item_size * int(np.prod(chunk[axis + 1 :], dtype=np.int64))
        chunk[axis] = min(chunk[axis], max(1, limit // rest))
    return tuple(chunk)


def _create_coordinate(file: Any, name: str, coordinate: Variable) -> None:
    if coordinate.data.dtype.kind == "U":
        dataset = file.create_dataset(name, data=coordinate.data.astype(object), dtype=h5py.string_dtype())
    else:
        dataset = file.create_dataset(name, data=coordinate.data)
    _describe(dataset, coordinate.units, coordinate.long_name, coordinate.attributes)
    dataset.make_scale(name)


def _describe(dataset: Any, units: str, long_name: str, attributes: Mapping[str, str | float | int]) -> None:
    for key, value in {"units": units, "long_name": long_name, **attributes}.items():
        dataset.attrs[key] = value


def _fill(file: Any, layout: Layout, start: int, frames: Sequence[StoredFrame]) -> None:
    stop = start + len(frames)
    file["time"][start:stop] = [frame.time for frame in frames]
    file["step"][start:stop] = [frame.step for frame in frames]
    for name, own in layout.variables.items():
        dataset = file[name]
        if not own.shape:
            dataset[start:stop] = np.array([frame.arrays[name] for frame in frames])
        elif 0 not in own.shape:
            for index, frame in enumerate(frames, start):
                dataset[index] = frame.arrays[name]


def read_layout(file: Any) -> Layout:
    """Return what the frames in an open segment look like.

    Parameters
    ----------
    file
        Open h5py file written by `write_frames`.
    """
    variables: dict[str, VariableLayout] = {}
    coordinates: dict[str, Variable] = {}
    for name, dataset in _datasets(file):
        units, long_name, attributes = _description(dataset)
        if not dataset.is_scale:
            dimensions = tuple(dataset.dims[axis][0].name.lstrip("/") for axis in range(1, dataset.ndim))
            dtype = np.dtype(bool) if dataset.attrs.get("dtype") == "bool" else dataset.dtype
            variables[name] = VariableLayout(dimensions, dataset.shape[1:], dtype, units, long_name, attributes)
        elif not dataset.attrs["NAME"].startswith(BARE_DIMENSION.encode()):
            text = h5py.check_string_dtype(dataset.dtype) is not None
            data = np.asarray(list(dataset.asstr()[()]), dtype=np.str_) if text else dataset[()]
            coordinates[name] = Variable(data, (name,), units, long_name, attributes)
    return Layout(variables, coordinates)


def _datasets(file: Any) -> Iterator[tuple[str, Any]]:
    for name, item in file.items():
        if isinstance(item, h5py.Dataset) and name not in ("time", "step"):
            yield name, item


def _description(dataset: Any) -> tuple[str, str, dict[str, str | float | int]]:
    attributes = {
        key: value if isinstance(value, str) else value.item()
        for key, value in dataset.attrs.items()
        if key not in STRUCTURAL_ATTRIBUTES
    }
    return dataset.attrs.get("units", ""), dataset.attrs.get("long_name", ""), attributes
