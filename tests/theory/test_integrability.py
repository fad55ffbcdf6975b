import numpy as np
import pytest

from tests.theory.models import RUN, cross, figure_one, one_species, steered
from theory import Chemical, Chemotaxis, InputError, Model, Motion, PairInteraction, PairSensing, Sensing, Species
from theory.integrability import NotIntegrable, integrability, require_integrable


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


def test_a_local_kernel_asks_for_the_local_condition_only() -> None:
    """K = delta: the functional condition [S1 Eq. 2] is Eq. 8 itself."""
    local = Model(2, figure_one().species, sensing=Sensing("local"))
    assert integrability(local, [55.0, 55.0]).nonlocal_
    assert not integrability(
        Model(2, cross(0.5, -0.5).species, {"ks": 1, "ka": 0.5, "kb": -0.5}, Sensing("local")), [5, 5]
    ).nonlocal_


# --- chemotaxis: [S1] Eq. 17 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("biases", "made", "speeds", "holds"),
    [
        ((1.0, 1.0), (1.0, 1.0), ("1", "1"), True),
        ((2.0, 1.0), (1.0, 1.0), ("1", "1"), False),
        # v1_m beta_n = v1_n beta_m, below [S1] Eq. 19
        ((2.0, 1.0), (2.0, 1.0), ("1", "1"), True),
        # 1/v0^2, as Eq. 17 has it: 4/2^2 = 1; with the 1/v0 of Eq. 16 it would be a bias of 2
        ((4.0, 1.0), (1.0, 1.0), ("2", "1"), True),
        ((2.0, 1.0), (1.0, 1.0), ("2", "1"), False),
    ],
)
def test_chemotaxis(biases: tuple[float, float], made: tuple[float, float], speeds: tuple[str, str], holds: bool) -> None:
    found = integrability(steered(biases, made, speeds), [10.0, 20.0])
    assert (found.local, found.nonlocal_) == (holds, holds)


def test_size_of_the_chemotactic_violation() -> None:
    """s beta/gamma = [[2, 2], [1, 1]]: 1/2 of the largest, locally and at every wavenumber."""
    found = integrability(steered((2.0, 1.0), (1.0, 1.0)), [10.0, 20.0])
    assert found.violation == pytest.approx(0.5)
    assert found.nonlocal_violation == pytest.approx(0.5)


def test_reorientation_and_turning_count_as_speed_biases_do() -> None:
    """v1/tau = v0/tau1 = (d - 1) chi v0: the same drift, so the same condition."""
    responses = (
        Chemotaxis("c", speed_bias=0.3),
        Chemotaxis("c", reorientation_bias=0.3),
        Chemotaxis("c", turning=0.15),
    )
    chemical = Chemical("c", {"A": 1.0, "B": 1.0}, 1.0, 1.0)
    for one in responses:
        for other in responses:
            species = [Species(n, RUN, "1", chemotaxis=(r,)) for n, r in (("A", one), ("B", other))]
            found = integrability(Model(3, species, chemicals=[chemical]), [10.0, 20.0])
            assert found.nonlocal_
    unequal = [Species("A", RUN, "1", chemotaxis=(responses[2],)), Species("B", RUN, "1", chemotaxis=(responses[0],))]
    assert not integrability(Model(2, unequal, chemicals=[chemical]), [10.0, 20.0]).local


def test_two_chemicals_with_their_own_ranges_cancel_at_one_wavenumber_only() -> None:
    """The sums over the chemicals agree at q = 0 but not beyond: reciprocal locally, not with the ranges."""
    chemicals = [Chemical("c", {"A": 1.0}, 1.0, 1.0), Chemical("d", {"B": 1.0}, 9.0, 1.0)]
    species = [
        Species("A", RUN, "1", chemotaxis=(Chemotaxis("d", speed_bias=0.1),)),
        Species("B", RUN, "1", chemotaxis=(Chemotaxis("c", speed_bias=0.1),)),
    ]
    found = integrability(Model(2, species, chemicals=chemicals), [10.0, 20.0])
    assert (found.local, found.nonlocal_) == (True, False)


def test_chemicals_in_laws_are_sensed_densities() -> None:
    """c = (A + B)/gamma in both laws is a common global term; the exponential kernel is the chemical's own."""
    chemical = Chemical("c", {"A": 1.0, "B": 1.0}, 0.5, 2.0)
    laws = {"A": "exp(-0.01*A + 0.02*c)", "B": "exp(-0.03*B + 0.02*c)"}
    model = Model(2, [Species(n, RUN, v) for n, v in laws.items()], chemicals=[chemical])
    found = integrability(model, [10.0, 20.0])
    assert found.local
    assert found.nonlocal_
    laws["B"] = "exp(-0.03*B + 0.02*tanh(c))"
    bent = integrability(Model(2, [Species(n, RUN, v) for n, v in laws.items()], chemicals=[chemical]), [10.0, 20.0])
    assert not bent.local
    assert not bent.nonlocal_


@pytest.mark.parametrize(("law", "holds"), [("1 + 0.2*tanh(c)", True), ("1 + 0.2*tanh((A - B)/20)", False)])
def test_speeds_that_vary_may_leave_no_potential_of_the_steering(law: str, holds: bool) -> None:
    """s(v) dc is a differential if v is a function of c, and not if it is one of another combination of densities."""
    response = (Chemotaxis("c", speed_bias=0.1),)
    chemical = Chemical("c", {"A": 1.0, "B": 1.0}, 1.0, 1.0)
    species = [Species(n, RUN, law, chemotaxis=response) for n in "AB"]
    assert integrability(Model(2, species, chemicals=[chemical]), [10.0, 20.0]).local is holds


# --- translational diffusion ---------------------------------------------------------------------------------------------


def test_translational_diffusion_breaks_what_it_scales_unequally() -> None:
    """w = (1/2) log(v^2 + d Dt/tau): the same function of the total for both species only with the same Dt/tau."""
    law = "exp(-0.5*tanh(total/40 - 2))"
    for diffusion, holds in (((0.0, 0.0), True), ((0.2, 0.2), True), ((0.2, 0.0), False)):
        species = [Species(n, RUN, law, dt) for n, dt in zip("AB", diffusion, strict=True)]
        assert integrability(Model(2, species), [40.0, 40.0]).local is holds
    # tau = 2 with twice the Dt
    slow = [Species("A", RUN, law, 0.2), Species("B", Motion(tumble_rate=0.5), law, 0.4)]
    assert integrability(Model(2, slow), [40.0, 40.0]).local


def test_translational_diffusion_ends_the_equilibrium_of_figure_one() -> None:
    """log v is a sum of a self term and a common one, log(v^2 + d Dt/tau) is not: [S1] Eq. 8 no longer holds."""
    species = [Species(s.name, s.motion, s.speed, 0.05) for s in figure_one().species]
    found = integrability(Model(2, species), [55.0, 55.0])
    assert not found.local
    assert found.violation > 0.01


# --- refusals and proofs -------------------------------------------------------------------------------------------------


def test_symbols_prove_what_numbers_only_suggest() -> None:
    assert integrability(figure_one(), [55.0, 55.0]).proven
    # a common term in two spellings that sympy brings together
    spelt = {"A": "exp(0.02*B*(1 + A/100))", "B": "exp(0.02*A + 0.0001*A**2)"}
    found = integrability(Model(2, [Species(n, RUN, v) for n, v in spelt.items()]), [10.0, 10.0])
    assert found.local
    assert found.proven


def test_a_violation_far_from_the_composition_is_seen_by_symbols() -> None:
    """Numbers below 20 see derivatives that differ by less than they resolve; the symbols differ."""
    laws = {"A": "exp(0.01*B + tanh(B - 400))", "B": "exp(0.01*A)"}
    found = integrability(Model(2, [Species(n, RUN, v) for n, v in laws.items()]), [10.0, 10.0])
    assert found.local
    assert not found.proven


def test_refusal_tells_the_violation() -> None:
    with pytest.raises(NotIntegrable, match=r"differ by 0\.98\d of the largest"):
        require_integrable(cross(0.5, -0.5), [50.0, 50.0])
    pairs = [PairInteraction("A", "A", 2.0, "exp(-r)")]
    with pytest.raises(InputError, match="push or turn each other"):
        integrability(Model(2, one_species().species, interactions=pairs), [10.0])
    with pytest.raises(InputError, match="positive speeds"):
        integrability(one_species("A - 200"), [30.0])
    with pytest.raises(InputError, match="vanishes whatever"):
        integrability(one_species("0*A"), [30.0])
