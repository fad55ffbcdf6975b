"""Compiled loops that build and refresh lists of neighbours.

Space has three axes here; those that a box lacks have one cell, no image and coordinates of zero. Cells are counted row by row
(z, y, x). An *entry* is a particle or one of its periodic images: entries of a species lie in the order of the cells of the box
and of its surroundings up to ``reach`` cells (z, y, x) on each side, so that the entries in a run of cells of a row are a run.
"""

import math
from typing import Any

import numba
import numpy as np

from particles._order_loops import cell_of, stride_for, task
from theory.compiling import inlined, loop, parallel_loop

# entries per block: the unit given to a thread where entries are refreshed
BLOCK = 2048


@loop
def sort_by_cells(cells_per_length: Any, cells: Any, offset: int, reference: Any, starts: Any, order: Any) -> None:
    """Order the particles of one species by cells, and by permanent number in each cell.

    ``reference`` (3, particle of the species) -> ``starts`` (cell + 1,), places in the order; ``order`` (particle,) permanent
    numbers, of which ``offset`` is the first.
    """
    number = reference.shape[1]
    held_by = np.empty(number, dtype=np.int64)
    starts[:] = 0
    for i in range(number):
        column = cell_of(reference[0, i], cells_per_length[0], cells[2])
        row = cell_of(reference[1, i], cells_per_length[1], cells[1])
        layer = cell_of(reference[2, i], cells_per_length[2], cells[0])
        held_by[i] = (layer * cells[1] + row) * cells[2] + column
        starts[held_by[i] + 1] += 1
    for cell in range(starts.size - 1):
        starts[cell + 1] += starts[cell]
    places = starts.copy()
    for i in range(number):
        order[places[held_by[i]]] = offset + i
        places[held_by[i]] += 1


@loop
def count_images(cells: Any, reach: Any, first: int, starts: Any, image_starts: Any) -> int:
    """Entries of one species: ``image_starts`` (cell of box and surroundings + 1,) from ``first`` on. Returns the end."""
    end = first
    image = 0
    for layer in range(-reach[0], cells[0] + reach[0]):
        for row in range(-reach[1], cells[1] + reach[1]):
            base = (layer % cells[0] * cells[1] + row % cells[1]) * cells[2]
            for column in range(-reach[2], cells[2] + reach[2]):
                cell = base + column % cells[2]
                image_starts[image] = end
                end += starts[cell + 1] - starts[cell]
                image += 1
    image_starts[image] = end
    return end


@loop
def place_images(
    cells: Any,
    reach: Any,
    size: Any,
    offset: int,
    reference: Any,
    starts: Any,
    order: Any,
    image_starts: Any,
    anchors: Any,
    identities: Any,
    centres: Any,
) -> None:
    """Fill the entries of one species: ``anchors`` (3, entry), where they are, and ``identities`` (entry,), who they are.

    ``centres`` (particle of the species,), in the order of cells, receives the entries that are the particles themselves.
    """
    image = 0
    for layer in range(-reach[0], cells[0] + reach[0]):
        for row in range(-reach[1], cells[1] + reach[1]):
            for column in range(-reach[2], cells[2] + reach[2]):
                boxes = (column // cells[2], row // cells[1], layer // cells[0])
                cell = (layer % cells[0] * cells[1] + row % cells[1]) * cells[2] + column % cells[2]
                entry = image_starts[image]
                for place in range(starts[cell], starts[cell + 1]):
                    identity = order[place]
                    for axis in range(3):
                        anchors[axis, entry] = reference[axis, identity - offset] + boxes[axis] * size[axis]
                    identities[entry] = identity
                    if boxes[0] == 0 and boxes[1] == 0 and boxes[2] == 0:
                        centres[place] = entry
                    entry += 1
                image += 1


@inlined
def _gap(coordinate: float, bottom: float, height: float) -> float:
    """Distance of a coordinate from the interval [bottom, bottom + height]."""
    return max(bottom - coordinate, coordinate - bottom - height, 0.0)


@inlined
def _span(coordinate: float, range_: float, edge: float, cells: int, reach: int) -> tuple[int, int]:
    """First and last cell along an axis within a range of a coordinate."""
    first = numba.int64(math.floor((coordinate - range_) / edge))
    last = numba.int64(math.floor((coordinate + range_) / edge))
    return max(first, -reach), min(last, cells + reach - 1)


@inlined
def _list_run(itself: int, squared_range: float, here: Any, start: int, stop: int, entries: Any, place: int, out: Any) -> int:
    """Append the entries of a run that are within the range, but for images of the particle itself; returns the new end."""
    _, anchors, identities = entries
    end = numba.uint64(place)
    for other in range(numba.uint64(start), numba.uint64(stop)):
        dx, dy, dz = anchors[0, other] - here[0], anchors[1, other] - here[1], anchors[2, other] - here[2]
        # written in any case, kept by the count alone: no branch that the processor could guess wrongly
        out[end] = other
        near = (dx * dx + dy * dy + dz * dz < squared_range) & (identities[other] != itself)
        end += numba.uint64(near)
    return numba.int64(end)  # type: ignore[no-any-return]


@loop
def _list_neighbours(entry: int, range_: float, grid: Any, entries: Any, end: int, out: Any) -> int:
    """Append the neighbours of one entry to ``out`` as long as they fit; returns the end that they may reach."""
    cells, reach, edges = grid
    image_starts, anchors, identities = entries
    here = (anchors[0, entry], anchors[1, entry], anchors[2, entry])
    rows, columns = cells[1] + 2 * reach[1], cells[2] + 2 * reach[2]
    lowest, highest = _span(here[2], range_, edges[2], cells[0], reach[0])
    bottom, top = _span(here[1], range_, edges[1], cells[1], reach[1])
    for layer in range(lowest, highest + 1):
        far = _gap(here[2], layer * edges[2], edges[2])
        for row in range(bottom, top + 1):
            gap = _gap(here[1], row * edges[1], edges[1])
            chord = range_ * range_ - far * far - gap * gap
            if chord < 0.0:
                continue
            left, right = _span(here[0], math.sqrt(chord), edges[0], cells[2], reach[2])
            base = ((layer + reach[0]) * rows + row + reach[1]) * columns + reach[2]
            start, stop = image_starts[base + left], image_starts[base + right + 1]
            if end + stop - start <= out.size:
                end = _list_run(identities[entry], range_ * range_, here, start, stop, entries, end, out)
            else:
                end += stop - start
    return end


@parallel_loop
def list_neighbours(
    per_block: int,
    multiple: int,
    nobody: int,
    range_: float,
    cells: Any,
    reach: Any,
    edges: Any,
    entries: Any,
    centres: Any,
    starts: Any,
    lengths: Any,
    ends: Any,
    neighbours: Any,
) -> None:
    """List, for the observers ``centres`` of one species, the entries of a source within a range.

    A particle's own images are left out: what they do to it cancels by symmetry, and must not be left to rounding at the
    cut-off.

    ``edges`` are those of a cell (x, y, z); ``entries`` where those of the source begin in each cell, anchors and
    identities. Each block of ``per_block`` observers has a row of ``neighbours`` (block, capacity). Observer k finds its
    own from ``starts[k]`` on in the flat array; ``lengths[k]`` is a multiple of ``multiple``, filled up with the entry
    ``nobody``. ``ends`` (block,) receives what each block takes: above the capacity, its lists are not complete.
    """
    blocks, capacity = neighbours.shape
    stride = stride_for(blocks)
    for n in numba.prange(blocks):
        _, one = task(n, 1, blocks, stride)
        end = 0
        for k in range(one * per_block, min((one + 1) * per_block, centres.size)):
            begin = end
            end = _list_neighbours(centres[k], range_, (cells, reach, edges), entries, begin, neighbours[one])
            padded = begin + (end - begin + multiple - 1) // multiple * multiple
            for place in range(end, min(padded, capacity)):
                neighbours[one, place] = nobody
            end = padded
            starts[k] = one * capacity + begin
            lengths[k] = end - begin
        ends[one] = end


@loop
def _refresh(edge: float, places: Any, anchors: Any, coordinates: Any, points: Any) -> tuple[float, float]:
    lowest, highest = np.inf, -np.inf
    for entry in range(points.size):
        here = coordinates[numba.uint64(places[entry])]
        point = here + edge * np.rint((anchors[entry] - here) / edge)
        points[entry] = point
        moved = point - anchors[entry]
        lowest = min(lowest, moved)
        highest = max(highest, moved)
    return lowest, highest


@parallel_loop
def refresh(size: Any, places: Any, anchors: Any, positions: Any, points: Any, extremes: Any) -> None:
    """Move the entries with their particles: ``positions`` (axis, particle) -> ``points`` (axis, entry).

    Each point is the image of the particle ``places[entry]`` that is nearest to its anchor. ``extremes`` (block, axis, 2)
    receives the least and the greatest displacement from the anchors along each axis.
    """
    for n in numba.prange(extremes.shape[0]):
        first, last = n * BLOCK, min((n + 1) * BLOCK, places.size)
        for axis in range(positions.shape[0]):
            lowest, highest = _refresh(
                size[axis], places[first:last], anchors[axis, first:last], positions[axis], points[axis, first:last]
            )
            extremes[n, axis, 0] = lowest
            extremes[n, axis, 1] = highest


@loop
def extremes_of_all(extremes: Any) -> tuple[Any, Any]:
    """Least and greatest displacement over all blocks of ``extremes`` (block, axis, 2), each (3,), 0 for missing axes."""
    lowest, highest = np.zeros(3), np.zeros(3)
    for axis in range(extremes.shape[1]):
        lowest[axis] = np.min(extremes[:, axis, 0])
        highest[axis] = np.max(extremes[:, axis, 1])
    return lowest, highest


@parallel_loop
def farthest(centre: Any, anchors: Any, points: Any, squares: Any) -> None:
    """Largest squared distance of the displacements from ``centre``, for each block of entries."""
    for n in numba.prange(squares.size):
        largest = 0.0
        for entry in range(n * BLOCK, min((n + 1) * BLOCK, points.shape[1])):
            square = 0.0
            for axis in range(points.shape[0]):
                square += (points[axis, entry] - anchors[axis, entry] - centre[axis]) ** 2
            largest = max(largest, square)
        squares[n] = largest


@loop
def note_largest(largest: Any, worst: Any) -> float:
    """Raise ``worst`` (2,) to the largest values over all blocks of ``largest`` (block, 2); returns the first of these."""
    first, second = 0.0, 0.0
    for n in range(largest.shape[0]):
        first = max(first, largest[n, 0])
        second = max(second, largest[n, 1])
    worst[0] = max(worst[0], first)
    worst[1] = max(worst[1], second)
    return first
