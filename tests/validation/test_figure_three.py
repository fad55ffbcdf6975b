"""[S1] figure 3 in deterministic runs of order 0, as the gallery ships them: what coexists where, and what moves."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fieldsolver import FieldSolver
from runs.execute import build_engine
from runs.gallery import gallery_file
from runs.runfile import load
from theory.observables.fields import modes, travelling_speed
from theory.observables.phases import phases

Array = NDArray[np.float64]

INTERVAL, LAST = 0.5, 9


def late(name: str) -> tuple[Array, float]:
    """Densities at the end of a run of the gallery, and the speed of their strongest modes."""
    specification = load(gallery_file(name))
    assert specification.fields is not None
    assert (specification.fields.order, specification.fields.noise) == (0, 0.0)
    engine = build_engine(specification, "fields")
    assert isinstance(engine, FieldSolver)
    end, path = specification.run.duration, []
    for n in range(LAST):
        engine.advance(end - (LAST - 1 - n) * INTERVAL)
        path.append(np.asarray(engine.density, dtype=np.float64))
    transforms = np.array([modes(one, engine.grid) for one in path])
    speed = travelling_speed(transforms[:, 0], engine.grid, INTERVAL).speed
    print(f"\n{name}: correlation {correlation(path[-1]):.3f}, speed {speed:.4f}")
    return path[-1], speed


def correlation(density: Array) -> float:
    return float(np.corrcoef(density[0].ravel(), density[1].ravel())[0, 1])


@pytest.mark.parametrize(("name", "together", "number"), [("repulsion", False, 3), ("colocalisation", True, 2)])
def test_static_phases(name: str, together: bool, number: int) -> None:
    """(+, +): a liquid of each species, and a gas. (-, -): both liquids in the same places. What moves is drops that grow."""
    density, speed = late(name)
    assert correlation(density) > 0.95 if together else correlation(density) < -0.2
    found = phases(density)
    print([one.densities.round(2).tolist() for one in found])
    assert len(found) == number
    assert speed < 0.015


def test_run_and_chase() -> None:
    """(+, -): patterns never come to rest."""
    density, speed = late("run-and-chase")
    assert density.std() > 10.0
    assert speed > 0.04
