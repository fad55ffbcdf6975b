"""A segment is what other programs expect: xarray, netCDF tools and the VTKHDF reader of ParaView."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray

from runs.store import Store, StoreError, open_series
from runs.store.segments import chunk_shape
from theory.frames import Array, Frame, State, Variable

FRAMES, SPECIES = 5, ("A", "B")


def axes_of(shape: tuple[int, ...], spacing: float = 0.25) -> dict[str, Variable]:
    names = ("z", "y", "x")[-len(shape) :]
    return {
        name: Variable(spacing * (index + 1) * (0.5 + np.arange(size)), (name,), "length", f"position {name}")
        for index, (name, size) in enumerate(zip(names, shape, strict=True))
    }


def data_of(index: int, shape: tuple[int, ...]) -> dict[str, Array]:
    random = np.random.default_rng(index)
    return {
        "total": random.random(shape).astype(np.float32),
        "density": random.random((len(SPECIES), *shape)).astype(np.float32),
        "polarity": random.random((len(SPECIES), 3, *shape)).astype(np.float32),
        "spectrum": random.random(7).astype(np.float32),
        "energy": np.asarray(random.random()),
        "mask": random.random(shape) < 0.5,
        "count": random.integers(0, 9, size=2),
    }


def frame_of(index: int, shape: tuple[int, ...], axes: dict[str, Variable]) -> Frame:
    data = data_of(index, shape)
    space = ("z", "y", "x")[-len(shape) :]
    dimensions: dict[str, tuple[str, ...]] = {
        "total": space,
        "density": ("species", *space),
        "polarity": ("species", "component", *space),
        "spectrum": ("wavenumber",),
        "energy": (),
        "mask": space,
        "count": ("species",),
    }
    labels = Variable(np.array(SPECIES), ("species",), "", "species")
    variables = {
        name: Variable(data[name], dimensions[name], f"units of {name}", f"the {name}", {"note": "x", "order": 2})
        for name in data
    }
    return Frame(0.5 * index, index, variables, {**axes, "species": labels})


def write(directory: Path, shape: tuple[int, ...] = (4, 6), axes: dict[str, Variable] | None = None, **more: Any) -> list[Path]:
    """Write five frames as two segments."""
    store = Store.create(
        directory, scale="fields", provenance={"seed": 3, "host": "h"}, run_file_text="[model]\n# é\n", blobs={}, **more
    )
    for index in range(FRAMES):
        store.append(frame_of(index, shape, axes_of(shape) if axes is None else axes))
        if index in (2, 4):
            store.commit(State({}, {}))
    return sorted(directory.glob("*.h5"))


def check_dataset(dataset: xarray.Dataset, first: int, last: int) -> None:
    np.testing.assert_array_equal(dataset.time, 0.5 * np.arange(first, last))
    assert dataset.time.attrs == {"units": "1", "long_name": "time"}
    assert dataset.density.dims == ("time", "species", "y", "x")
    assert dataset.polarity.dims == ("time", "species", "component", "y", "x")
    assert dataset.species.values.tolist() == list(SPECIES)
    np.testing.assert_array_equal(dataset.x, axes_of((4, 6))["x"].data)
    assert dataset.density.attrs == {"units": "units of density", "long_name": "the density", "note": "x", "order": 2}
    for name in data_of(0, (4, 6)):
        expected = np.stack([data_of(index, (4, 6))[name] for index in range(first, last)])
        np.testing.assert_array_equal(dataset[name].values, expected, strict=True)
    one = data_of(first, (4, 6))["density"][1, 2, 3]
    assert dataset.density.sel(time=0.5 * first, species="B").isel(y=2, x=3).values == one


def test_xarray_opens_a_segment_and_all_of_them(tmp_path: Path) -> None:
    paths = write(tmp_path)
    assert [path.name for path in paths] == ["segment-00000000.h5", "segment-00000003.h5"]
    with (
        xarray.open_dataset(paths[0], engine="h5netcdf") as first,
        xarray.open_dataset(paths[1], engine="h5netcdf") as second,
    ):
        check_dataset(first, 0, 3)
        check_dataset(second, 3, 5)
        check_dataset(xarray.concat([first, second], dim="time", data_vars="all"), 0, 5)
    with xarray.open_mfdataset(paths, engine="h5netcdf", combine="by_coords") as every:
        check_dataset(every, 0, 5)


def test_how_the_numbers_lie_in_the_file(tmp_path: Path) -> None:
    with h5py.File(write(tmp_path)[1]) as file:
        density = file["density"]
        assert (density.shape, density.maxshape) == ((2, 2, 4, 6), (None, 2, 4, 6))
        assert density.chunks == (1, 2, 4, 6)
        assert (density.dtype, density.fletcher32, density.compression) == (np.float32, True, None)
        assert [file[name].dtype for name in ("time", "energy", "x", "step")] == [np.float64] * 3 + [np.int64]
        assert (file["time"].maxshape, file["energy"].maxshape) == ((None,), (None,))
        assert [density.dims[axis][0].name for axis in range(4)] == ["/time", "/species", "/y", "/x"]
        assert file["wavenumber"].attrs["NAME"].startswith(b"This is a netCDF dimension but not a netCDF variable.")
        assert (file.attrs["first_frame"], file.attrs["frames"], file.attrs["scale"]) == (3, 2, "fields")
        assert file["run/file"].asstr()[()] == "[model]\n# é\n"
        assert file["step"][()].tolist() == [3, 4]


def test_precision_and_compression_on_request(tmp_path: Path) -> None:
    with h5py.File(write(tmp_path, precision="float64", compression="gzip", time_units="1/alpha")[0]) as file:
        density = file["density"]
        assert (density.dtype, density.compression, density.shuffle) == (np.float64, "gzip", True)
        assert file["time"].attrs["units"] == "1/alpha"


@pytest.mark.parametrize(
    ("shape", "item_size", "limit", "chunk"),
    [
        ((9, 4, 6), 4, 96, (1, 4, 6)),
        ((9, 4, 6), 4, 95, (1, 3, 6)),
        ((9, 4, 6), 4, 23, (1, 1, 5)),
        ((9, 4, 6), 4, 1, (1, 1, 1)),
        ((9,), 8, 1, (9,)),
        ((10**6,), 8, 1, (4096,)),
    ],
)
def test_a_chunk_is_a_frame_unless_that_is_too_large(
    shape: tuple[int, ...], item_size: int, limit: int, chunk: tuple[int, ...]
) -> None:
    assert chunk_shape(shape, item_size, limit) == chunk


def test_a_flipped_bit_in_the_data_is_detected_on_reading(tmp_path: Path) -> None:
    path = write(tmp_path)[0]
    series = open_series(tmp_path)
    content = bytearray(path.read_bytes())
    content[content.index(data_of(1, (4, 6))["total"].tobytes())] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"segment-00000000\.h5: cannot be read: .*restore it from a copy"):
        series.load("total")
    np.testing.assert_array_equal(series.load("total", 2, 3)[0], data_of(2, (4, 6))["total"])
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(StoreError, match="cannot be read"):
        open_series(tmp_path)
    path.unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        series.load("total")


def test_wrong_bytes_in_the_texts_of_a_segment_are_an_error_of_the_store(tmp_path: Path) -> None:
    """As JSON that is none, and a layout that does not say what it must."""
    path = write(tmp_path)[0]
    whole = path.read_bytes()
    with h5py.File(path, "r+") as file:
        del file["run/provenance"]
        file["run/provenance"] = "{ not JSON"
    with pytest.raises(StoreError, match=r"cannot be read: .*restore it from a copy"):
        open_series(tmp_path)
    path.write_bytes(whole)
    with h5py.File(path, "r+") as file:
        del file["run/provenance"]
        file["run/provenance"] = 3.0
    with pytest.raises(StoreError, match="cannot be read"):
        open_series(tmp_path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["density"] = 1.0
    with pytest.raises(StoreError, match="not a file of frames"):
        open_series(tmp_path / "other.h5")
    path = write(tmp_path / "fields")[0]
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = 2
    with pytest.raises(StoreError, match="written in version 2, this program knows 1: update it"):
        open_series(tmp_path / "fields")


# --- VTKHDF ------------------------------------------------------------------------------------------------------


def read_image(file: Any, name: str, step: int) -> Array:
    """Read point data as the VTKHDF format describes it: one row of the array per offset, in the shape of the extent."""
    root = file["VTKHDF"]
    low, high = np.reshape(root.attrs["WholeExtent"], (3, 2)).T
    flat = [size for size in (high - low + 1)[::-1] if size > 1]
    offset = root["Steps/PointDataOffsets"][name][step]
    image: Array = root["PointData"][name][offset]
    assert list(image.shape) == flat
    return image


@pytest.mark.parametrize("shape", [(4, 6), (3, 4, 6)])
def test_paraview_finds_the_same_numbers(tmp_path: Path, shape: tuple[int, ...]) -> None:
    axes = axes_of(shape)
    with h5py.File(write(tmp_path, shape)[1]) as file:
        root = file["VTKHDF"]
        assert root.attrs["Version"].tolist() == [2, 2]
        assert root.attrs["Type"] == b"ImageData"
        kind = h5py.check_string_dtype(root.attrs.get_id("Type").dtype)
        assert (kind.encoding, kind.length) == ("ascii", 9)
        assert root["Steps"].attrs["NSteps"] == 2
        assert root["Steps/Values"][()].tolist() == [1.5, 2.0]
        for name, link in (("Steps/Values", "/time"), ("PointData/total", "/total"), ("PointData/mask", "/mask")):
            assert root.get(name, getlink=True).path == link
        assert set(root["PointData"]) == {"total", "mask", "density[A]", "density[B]"}
        assert root["PointData/density[B]"].is_virtual
        for step in range(2):
            data = data_of(3 + step, shape)
            np.testing.assert_array_equal(read_image(file, "total", step), data["total"], strict=True)
            np.testing.assert_array_equal(read_image(file, "mask", step), data["mask"])
            for species, label in enumerate(SPECIES):
                image = read_image(file, f"density[{label}]", step)
                np.testing.assert_array_equal(image, data["density"][species], strict=True)
        for position, name in enumerate(("x", "y", "z")[: len(shape)]):
            points = root.attrs["Origin"][position] + root.attrs["Spacing"][position] * np.arange(shape[-1 - position])
            np.testing.assert_allclose(points, axes[name].data, rtol=1e-15)
        assert root.attrs["Direction"].tolist() == [1, 0, 0, 0, 1, 0, 0, 0, 1]


def test_no_image_where_points_are_not_evenly_spaced(tmp_path: Path) -> None:
    uneven = {**axes_of((4, 6)), "x": Variable(np.arange(6.0) ** 2, ("x",), "length", "x")}
    backwards = {**axes_of((4, 6)), "x": Variable(-np.arange(6.0), ("x",), "length", "x")}
    single = axes_of((1, 6))
    for number, (shape, axes) in enumerate((((4, 6), uneven), ((4, 6), backwards), ((1, 6), single), ((4, 6), {}))):
        path = write(tmp_path / str(number), shape, axes)[0]
        with h5py.File(path) as file:
            assert "VTKHDF" not in file


def test_entries_without_distinct_names_are_numbered(tmp_path: Path) -> None:
    store = Store.create(tmp_path, scale="fields", provenance={}, run_file_text="", blobs={})
    field = Variable(np.ones((2, 4, 6)), ("channel", "y", "x"), "", "")
    double = Variable(np.array(["a", "a"]), ("channel",), "", "")
    store.append(Frame(0.0, 0, {"field": field}, {**axes_of((4, 6)), "channel": double}))
    store.commit(State({}, {}))
    with h5py.File(tmp_path / "segment-00000000.h5") as file:
        assert list(file["VTKHDF/PointData"]) == ["field[0]", "field[1]"]
