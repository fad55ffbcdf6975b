"""What the frames of one run look like: names, shapes, types, coordinates; the same for all frames of a run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from theory.frames import Array, Frame, Variable

# Names that the segments give themselves.
RESERVED_NAMES = frozenset({"time", "step", "run", "VTKHDF"})
# Attributes that HDF5, netCDF and the segments use to describe a dataset.
STRUCTURAL_ATTRIBUTES = frozenset(
    {
        "units",
        "long_name",
        "dtype",
        "CLASS",
        "NAME",
        "DIMENSION_LIST",
        "REFERENCE_LIST",
        "_FillValue",
        "_Netcdf4Dimid",
    }
)
NAME = re.compile(r"\w[\w.+@()-]*")
LARGEST_INTEGER = 2**63


@dataclass(frozen=True)
class VariableLayout:
    """What a variable is in every frame of a run.

    Parameters
    ----------
    dimensions, units, long_name, attributes
        As in `theory.frames.Variable`.
    shape
        Sizes along ``dimensions``.
    dtype
        Type with which the values are read back.
    """

    dimensions: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    units: str
    long_name: str
    attributes: Mapping[str, str | float | int]

    @property
    def stored_dtype(self) -> np.dtype[Any]:
        """Type in the file: netCDF has no truth values."""
        return np.dtype(np.int8) if self.dtype.kind == "b" else self.dtype


@dataclass(frozen=True)
class Layout:
    """What all frames of a run look like.

    Parameters
    ----------
    variables
        By name.
    coordinates
        By name, with their values.
    """

    variables: Mapping[str, VariableLayout]
    coordinates: Mapping[str, Variable]

    @property
    def sizes(self) -> dict[str, int]:
        """Size of each dimension but time."""
        sizes = {name: len(coordinate.data) for name, coordinate in self.coordinates.items()}
        for own in self.variables.values():
            sizes |= zip(own.dimensions, own.shape, strict=True)
        return sizes

    @classmethod
    def of(cls, frame: Frame, precision: str) -> "Layout":
        """Return the layout of ``frame`` when floating-point arrays are stored as ``precision``.

        Raises
        ------
        ValueError
            The frame cannot be stored: a name is not allowed or means two things, a dimension has two sizes,
            a type cannot be stored. The message names the variable.
        """
        coordinates = {name: _checked_coordinate(name, own) for name, own in frame.coordinates.items()}
        variables = {
            name: VariableLayout(
                tuple(own.dimensions),
                np.shape(own.data),
                _stored_type(name, np.asarray(own.data), precision),
                own.units,
                own.long_name,
                _checked_attributes(name, own),
            )
            for name, own in frame.variables.items()
        }
        layout = cls(variables, coordinates)
        _check_names(layout)
        return layout

    def difference(self, other: "Layout") -> str:
        """Return the first difference from ``other`` in words; an empty text if there is none."""
        for kind, mine, theirs in (
            ("variable", self.variables, other.variables),
            ("coordinate", self.coordinates, other.coordinates),
        ):
            names = [name for name in {**mine, **theirs} if (name in mine) != (name in theirs)]
            if names:
                return f"{kind} {names[0]!r} is in some frames only"
        for name, own in self.variables.items():
            if own != other.variables[name]:
                return f"variable {name!r} is {other.variables[name]} in one frame and {own} in another"
        for name, coordinate in self.coordinates.items():
            if not _same_variable(coordinate, other.coordinates[name]):
                return f"coordinate {name!r} has changed"
        return ""


def _same_variable(one: Variable, other: Variable) -> bool:
    described = (one.dimensions, one.units, one.long_name, dict(one.attributes))
    return (
        described == (other.dimensions, other.units, other.long_name, dict(other.attributes))
        and one.data.dtype == other.data.dtype
        and one.data.tobytes() == other.data.tobytes()
    )


def _stored_type(name: str, data: Array, precision: str) -> np.dtype[Any]:
    if data.dtype.kind == "f":
        return np.dtype(precision if data.ndim else np.float64)
    if data.dtype.kind in "biu":
        return data.dtype.newbyteorder("=")
    raise ValueError(f"variable {name!r} has type {data.dtype}: only real numbers, integers and truth values are stored")


def _checked_coordinate(name: str, own: Variable) -> Variable:
    data = np.asarray(own.data)
    if own.dimensions != (name,):
        raise ValueError(f"coordinate {name!r} has dimensions {own.dimensions}, not ({name!r},)")
    if data.dtype.kind == "f":
        data = np.array(data, dtype=np.float64)
    elif data.dtype.kind in "iu":
        data = np.array(data, dtype=data.dtype.newbyteorder("="))
    elif data.dtype.kind == "U":
        data = np.array([_checked_text(name, label) for label in data.tolist()], dtype=np.str_)
    else:
        raise ValueError(f"coordinate {name!r} has type {data.dtype}: only real numbers, integers and text are stored")
    return Variable(data, (name,), own.units, own.long_name, _checked_attributes(name, own))


def _checked_attributes(name: str, own: Variable) -> dict[str, str | float | int]:
    for text in (own.units, own.long_name, *own.attributes):
        _checked_text(name, text)
    attributes: dict[str, str | float | int] = {}
    for key, value in own.attributes.items():
        if not key or key in STRUCTURAL_ATTRIBUTES:
            raise ValueError(f"variable {name!r}: an attribute cannot be called {key!r}")
        if isinstance(value, str):
            attributes[key] = _checked_text(name, value)
        elif isinstance(value, float | np.floating):
            attributes[key] = float(value)
        elif isinstance(value, int | np.integer) and -LARGEST_INTEGER <= value < LARGEST_INTEGER:
            attributes[key] = int(value)
        else:
            raise ValueError(f"variable {name!r}: attribute {key!r} = {value!r} is no text, number or 64-bit integer")
    return attributes


def _checked_text(name: str, text: str) -> str:
    try:
        if b"\0" not in text.encode("utf-8"):
            return text
    except UnicodeEncodeError as error:
        raise ValueError(f"variable {name!r}: {text!r} is not valid Unicode") from error
    raise ValueError(f"variable {name!r}: {text!r} contains a null character, which ends a text in HDF5")


def _check_names(layout: Layout) -> None:
    sizes: dict[str, int] = {name: len(own.data) for name, own in layout.coordinates.items()}
    for name, own in layout.variables.items():
        if len(set(own.dimensions)) < len(own.dimensions):
            raise ValueError(f"variable {name!r} has a dimension twice: {own.dimensions}")
        for dimension, size in zip(own.dimensions, own.shape, strict=True):
            if sizes.setdefault(dimension, size) != size:
                raise ValueError(
                    f"dimension {dimension!r} has size {size} in variable {name!r} and {sizes[dimension]} elsewhere"
                )
    for name in (*layout.variables, *sizes):
        if not NAME.fullmatch(name) or name in RESERVED_NAMES:
            raise ValueError(
                f"{name!r} cannot name a variable or a dimension: names hold letters, digits and _ . + - @ ( ), "
                f"and {', '.join(sorted(RESERVED_NAMES))} are taken"
            )
    for name in layout.variables:
        if name in sizes:
            raise ValueError(f"{name!r} names a variable and a dimension: rename one of them")
