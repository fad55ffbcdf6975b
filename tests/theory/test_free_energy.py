import numpy as np
import pytest

from tests.theory.models import RUN, cross, figure_one, one_species
from theory import Model, PairSensing, Sensing, Species
from theory.free_energy import integrability


def _exponential(couplings: list[list[float]], sensing: Sensing | None = None) -> Model:
    species = [Species(n, RUN, f"exp({row[0]}*A + {row[1]}*B)") for n, row in zip("AB", couplings, strict=True)]
    return Model(2, species, sensing=sensing)


def test_figure_one_is_integrable_locally_only() -> None:
    found = integrability(figure_one(), [55.0, 55.0])
    assert (found.local, found.nonlocal_, found.violation) == (True, False, 0.0)
    assert found.nonlocal_violation > 0.1


def test_cross_interactions_are_integrable_only_where_the_derivatives_agree() -> None:
    assert not integrability(cross(0.5, -0.5), [50, 50]).local
    # kappa S(rho_n): d/d rho_n of the one is a function of rho_n, of the other of rho_m: never equal unless both vanish
    assert not integrability(cross(0.5, 0.5), [50, 50]).local
    assert integrability(cross(0.0, 0.0), [50, 50]).local


def test_one_species_is_always_integrable_locally() -> None:
    found = integrability(one_species("1/(1 + (A/20)**2)"), [30.0])
    assert found.local
    assert not found.nonlocal_


def test_constant_symmetric_couplings_survive_the_kernel() -> None:
    symmetric = [[-0.01, 0.02], [0.02, 0.005]]
    assert integrability(_exponential(symmetric), [50, 50]).nonlocal_
    pairs = (PairSensing("A", "B", "bump", 2.0),)
    broken = integrability(_exponential(symmetric, Sensing(pairs=pairs)), [50, 50])
    assert broken.local
    assert not broken.nonlocal_


def test_size_of_the_violation() -> None:
    """a = [[0, .02], [-.01, 0]]: |a_AB - a_BA|/max|a| = 0.03/0.02 = 1.5, whatever the densities."""
    assert integrability(_exponential([[0.0, 0.02], [-0.01, 0.0]]), [50, 50]).violation == pytest.approx(1.5)


def test_three_species_need_every_pair() -> None:
    laws = {"A": "exp(0.01*B + 0.02*C)", "B": "exp(0.01*A)", "C": "exp(0.02*A)"}
    assert integrability(Model(2, [Species(n, RUN, v) for n, v in laws.items()]), [10, 10, 10]).local
    laws["C"] = "exp(0.021*A)"
    assert not integrability(Model(2, [Species(n, RUN, v) for n, v in laws.items()]), [10, 10, 10]).local


def test_independent_particles() -> None:
    found = integrability(one_species("1.0"), [30.0])
    assert found.local
    assert found.nonlocal_
    assert np.isclose(found.violation, 0.0)
