"""The linear hierarchy against the Smoluchowski equation on nodes of directions, and against published couplings."""

import numpy as np
import pytest
from numpy.polynomial import legendre
from scipy import optimize

from tests.theory.models import RUN, duan
from theory import Chemical, Chemotaxis, InputError, MeanField, Model, Motion, PairSensing, Sensing, Species
from theory.arrays import Array
from theory.hierarchy import mode_rates, moment_matrix, transverse_matrix
from theory.homogeneous import HomogeneousState

COMPOSITION = np.array([45.0, 55.0])


def mixture(dimension: int, *, torques: bool = False, adiabatic: bool = True) -> Model:
    """Two species that sense, push and turn each other and steer by two chemicals; c may have a dynamics of its own."""
    turns = dimension > 1
    steering = Chemotaxis("c", 0.03, 0.02, 0.05 * turns), Chemotaxis("s", -0.01, 0.04, -0.02 * turns)
    species = [
        Species("A", Motion(0.7, 0.4), "exp(-0.006*A + 0.01*B - 0.02*c)", 0.05, steering, 2.0, 3.0),
        Species("B", Motion(0.5, 0.3), "1.5*exp(-0.012*A + 0.03*s)", 0.02, (Chemotaxis("s", 0.02),), 1.5, 2.5),
    ]
    chemicals = [Chemical("c", {"A": 0.1, "B": 0.2}, 0.5, 1.2, adiabatic), Chemical("s", {"B": 0.3}, 0.2, 2.0)]
    harmonics = {"AA": (0.11, 0.04), "AB": (-0.07, 0.05, 0.01), "BA": (0.03,), "BB": (0.02, -0.03)}
    fields = [MeanField(*pair, told if torques else (), 0.002, 0.004 * turns, 0.01) for pair, told in harmonics.items()]
    sensing = Sensing("bump", 1.0, (PairSensing("A", "B", "gaussian", 0.6),))
    return Model(dimension, species, sensing=sensing, chemicals=chemicals, mean_field=fields)


class Smoluchowski:
    """The linearised equation of f_mu(direction) exp(i q x) at nodes of the angle (2D) or of its cosine (1D, 3D).

    Densities are means over the directions, so that the homogeneous f is the density.
    """

    def __init__(self, model: Model, nodes: int) -> None:
        self.model = model
        if model.dimension == 2:
            self.angle = 2.0 * np.pi * np.arange(nodes) / nodes
            self.x, self.mean = np.cos(self.angle), np.full(nodes, 1.0 / nodes)
            k = np.fft.fftfreq(nodes, 1.0 / nodes)
            slope = np.fft.ifft(1j * k[:, None] * np.fft.fft(np.eye(nodes), axis=0), axis=0).real
            self.laplacian, self.turned = slope @ slope, slope @ -np.sin(self.angle)
        elif model.dimension == 3:
            self.x, weight = legendre.leggauss(nodes)
            self.mean = weight / 2.0
            values = legendre.legvander(self.x, nodes - 1)
            eigenvalues = -np.arange(nodes) * (np.arange(nodes) + 1.0)
            self.laplacian = values @ np.diag(eigenvalues) @ np.linalg.inv(values)
            self.turned = legendre.legval(self.x, legendre.legder(legendre.poly2leg([1.0, 0.0, -1.0])))
        else:
            self.x, self.mean = np.array([1.0, -1.0]), np.array([0.5, 0.5])
            self.laplacian, self.turned = np.zeros((2, 2)), np.zeros(2)

    def growth(self, q: float) -> Array:
        """All eigenvalues, sorted."""
        model, m = self.model, self.x.size
        dynamic = [p for p, one in enumerate(model.chemicals) if not one.adiabatic]
        size = model.number_of_species * m + len(dynamic)
        # rows that give densities and concentrations from all variables
        density = np.kron(np.eye(model.number_of_species), self.mean[None])
        density = np.concatenate([density, np.zeros((model.number_of_species, len(dynamic)))], axis=1)
        made = np.stack(
            [float(one.transform(q)) * b @ density for one, b in zip(model.chemicals, model.production, strict=True)]
        )
        out = np.zeros((size, size), dtype=complex)
        for column, p in enumerate(dynamic, start=size - len(dynamic)):
            made[p] = np.eye(size)[column]
            chemical = model.chemicals[p]
            out[column] = model.production[p] @ density
            out[column, column] -= chemical.decay_rate + chemical.diffusivity * q**2
        for s in range(model.number_of_species):
            out[s * m : (s + 1) * m] = self._free(q, s, size) + self._driven(q, s, density, made)
        return _sorted(np.linalg.eigvals(out))

    def _free(self, q: float, s: int, size: int) -> Array:
        one, m = self.model.species[s], self.x.size
        speed = self._speed(COMPOSITION)[s]
        out = np.zeros((m, size), dtype=complex)
        own = -1j * q * speed * np.diag(self.x) - one.translational_diffusion * q**2 * np.eye(m)
        own = own + one.motion.rotational_diffusion * self.laplacian
        out[:, s * m : (s + 1) * m] = own + one.motion.tumble_rate * (np.tile(self.mean, (m, 1)) - np.eye(m))
        return out

    def _speed(self, densities: Array, concentrations: Array | None = None) -> Array:
        """Speeds, with what forces take away, at sensed densities and concentrations."""
        model = self.model
        fields = model.homogeneous_fields(densities)
        fields[2:] = fields[2:] if concentrations is None else concentrations
        return np.array([float(law.speed(fields)) for law in model.motility.values()]) - self._lost() @ densities

    def _lost(self) -> Array:
        pairs, drags = self.model.mean_field, self.model.drags
        return np.array([[pairs[s, k].speed_reduction / drags[s, 0] for k in range(2)] for s in range(2)])

    def _driven(self, q: float, s: int, density: Array, made: Array) -> Array:
        """What changes of densities and concentrations do to a homogeneous species."""
        model, one = self.model, self.model.species[s]
        rho, still = COMPOSITION[s], model.concentrations(COMPOSITION)
        channels = model.channels
        change = np.zeros(density.shape[1], dtype=complex)
        out = np.zeros((self.x.size, density.shape[1]), dtype=complex)
        for k in range(2):
            step = 1e-5 * COMPOSITION[k] * np.eye(2)[k]
            slope = (self._speed(COMPOSITION + step, still) - self._speed(COMPOSITION - step, still))[s] / (2.0 * step[k])
            slope = (slope + self._lost()[s, k]) * float(channels.kernels[channels.index[s, k]].transform(q))
            change += (slope - self._lost()[s, k]) * density[k]
            pair = model.mean_field[s, k]
            out += 1j * q * rho * pair.turning * np.outer(self.turned, density[k])
            out -= q**2 * rho * pair.repulsion / one.translational_drag * density[k]
            out += rho * self._torques(s, k, density.shape[1])
        for p in range(2):
            step = 1e-5 * still[p] * np.eye(2)[p]
            slope = (self._speed(COMPOSITION, still + step) - self._speed(COMPOSITION, still - step))[s] / (2.0 * step[p])
            change += slope * made[p]
        out -= 1j * q * rho * np.outer(self.x, change)
        gradient = 1j * q * self.x
        for response in one.chemotaxis:
            c = made[model.chemical_names.index(response.chemical)]
            share = response.reorientation_bias * one.motion.time(model.dimension)
            reoriented = one.motion.rotational_diffusion * self.laplacian @ gradient
            reoriented = reoriented + one.motion.tumble_rate * (self.mean @ gradient - gradient)
            moved = 1j * q * response.speed_bias * self.x * gradient + 1j * q * response.turning * self.turned
            out += rho * np.outer(share * reoriented + moved, c)
        return out

    def _torques(self, s: int, k: int, size: int) -> Array:
        """Minus d/d theta of the rate (1/(pi xi_r)) sum_l T_l <f(theta') sin(l (theta' - theta))> at which directions turn."""
        m = self.x.size
        out = np.zeros((m, size), dtype=complex)
        for number, harmonic in enumerate(self.model.mean_field[s, k].torque_harmonics, start=1):
            turned = number * np.cos(number * (self.angle[None, :] - self.angle[:, None])) * self.mean
            out[:, k * m : (k + 1) * m] += harmonic / (np.pi * self.model.species[s].rotational_drag) * turned
        return out


@pytest.mark.parametrize("adiabatic", [True, False])
@pytest.mark.parametrize(("dimension", "torques"), [(1, False), (2, False), (2, True), (3, False)])
def test_high_orders_are_the_smoluchowski_equation(dimension: int, torques: bool, adiabatic: bool) -> None:
    model = mixture(dimension, torques=torques, adiabatic=adiabatic)
    state = HomogeneousState.of(model, COMPOSITION)
    order, nodes = (1, 2) if dimension == 1 else (22, 41)
    direct = Smoluchowski(model, nodes)
    for q in (0.0, 0.7, 2.5):
        found = np.linalg.eigvals(moment_matrix(state, q, order))
        if dimension == 2:
            found = np.concatenate([found, np.linalg.eigvals(transverse_matrix(state, q, order))])
        # the slow modes; finite differences of the laws limit the accuracy
        np.testing.assert_allclose(_sorted(found)[:8], direct.growth(q)[:8], rtol=1e-7, atol=1e-8)


def _sorted(values: Array) -> Array:
    """By falling real part, of which those of a conjugate pair differ by round-off, then by falling frequency."""
    return values[np.lexsort((-values.imag, -values.real.round(8)))]


@pytest.mark.parametrize(("dimension", "torques"), [(1, False), (2, False), (2, True), (3, False)])
def test_order_zero_is_minus_q_squared_times_the_matrix(dimension: int, torques: bool) -> None:
    state = HomogeneousState.of(mixture(dimension, torques=torques), COMPOSITION)
    q = np.array([0.3, 1.7, 6.0])
    np.testing.assert_allclose(moment_matrix(state, q, 0), -(q[:, None, None] ** 2) * state.matrix(q), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("adiabatic", [True, False])
@pytest.mark.parametrize(("dimension", "order"), [(1, 1), (2, 1), (2, 3), (3, 1), (3, 2)])
def test_order_zero_is_the_slow_limit_of_all_orders(dimension: int, order: int, adiabatic: bool) -> None:
    state = HomogeneousState.of(mixture(dimension, torques=dimension == 2, adiabatic=adiabatic), COMPOSITION)
    slow = np.sort_complex(-np.linalg.eigvals(state.matrix(0.0)))
    departures = []
    for q in (0.04, 0.02):
        found = np.sort_complex(mode_rates(state, q, order)[:2] / q**2)
        departures.append(np.max(np.abs(found - slow)))
    # the next term of the expansion in q v tau is of the order of q^2
    assert departures[0] / departures[1] == pytest.approx(4.0, abs=0.1)
    assert departures[1] < 0.01 * np.abs(slow).max()


def critical_coupling(rotational_diffusion: float, order: int, closure: str) -> float:
    """The coupling at which the first wave along the long edge of the box (20) grows."""
    q = 2.0 * np.pi / 20.0 * np.arange(1, 25)

    def fastest(coupling: float) -> float:
        state = HomogeneousState.of(duan(coupling, rotational_diffusion), [80.0, 80.0])
        growth = np.linalg.eigvals(moment_matrix(state, q, order, closure)).real  # type: ignore[arg-type]
        return float(growth.max())

    return float(optimize.brentq(fastest, 1e-3, 2.0, xtol=1e-6))


@pytest.mark.parametrize(
    ("order", "closure", "couplings"),
    [
        (20, "truncated", (0.300, 0.470, 0.756)),
        (20, "slaved", (0.300, 0.470, 0.756)),
        (2, "truncated", (0.053, 0.260, 0.763)),
        (1, "truncated", (0.019, 0.093, 0.371)),
    ],
)
def test_critical_couplings_of_a_published_model(order: int, closure: str, couplings: tuple[float, ...]) -> None:
    """Dr = .02, .1, .4 in a box of length 20. Low orders differ: what becomes of the next harmonic matters where v q > Dr."""
    for rate, expected in zip((0.02, 0.1, 0.4), couplings, strict=True):
        assert critical_coupling(rate, order, closure) == pytest.approx(expected, abs=5e-4)


def test_slaving_betters_truncating() -> None:
    exact = critical_coupling(0.4, 20, "slaved")
    assert abs(critical_coupling(0.4, 1, "slaved") - exact) < 0.2 * abs(critical_coupling(0.4, 1, "truncated") - exact)


def test_transverse_polarity_grows_with_the_torques() -> None:
    """Across the wave vector the polarity of the closed order 1 obeys a - v^2 q^2/(4 (4 Dr - rho T_2/(pi xi_r)))."""
    t1, t2, rate, rho, drag = 0.9, 0.4, 1.0, 10.0, 2.0
    species = Species("A", Motion(rotational_diffusion=rate), "1.3", rotational_drag=drag)
    model = Model(2, [species], mean_field=[MeanField("A", "A", (t1, t2))])
    state = HomogeneousState.of(model, [rho])
    a = rho * t1 / (2.0 * np.pi * drag) - rate
    q = np.array([0.0, 0.5, 2.0])
    expected = a - 1.3**2 * q**2 / (4.0 * (4.0 * rate - rho * t2 / (np.pi * drag)))
    np.testing.assert_allclose(transverse_matrix(state, q, 1)[:, 0, 0], expected, rtol=1e-13)
    assert transverse_matrix(state, q, 0).shape == (3, 0, 0)


def test_refusals() -> None:
    state = HomogeneousState.of(Model(1, [Species("A", RUN, "1.0")]), [1.0])
    with pytest.raises(InputError, match="one dimension"):
        moment_matrix(state, 1.0, 2)
    with pytest.raises(InputError, match="two dimensions"):
        transverse_matrix(state, 1.0, 1)
    with pytest.raises(InputError, match="no motion at all"):
        moment_matrix(state, 1.0, 0, "truncated")
    with pytest.raises(InputError, match="must be 'slaved' or 'truncated'"):
        moment_matrix(state, 1.0, 0, "open")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="negative"):
        moment_matrix(state, 1.0, -1)
    vector = HomogeneousState.of(Model(2, [Species("A", Motion(aoup=True, persistence_time=1.0), "1.0")]), [1.0])
    moment_matrix(vector, 1.0, 0)
    with pytest.raises(InputError, match="Ornstein-Uhlenbeck"):
        moment_matrix(vector, 1.0, 1)
    flock = Model(2, [Species("A", Motion(0.0, 1.0), "1.0")], mean_field=[MeanField("A", "A", (10.0, 1.0))])
    aligned = HomogeneousState.of(flock, [1.0])
    with pytest.raises(InputError, match=r"harmonic 1 grow at the rate 0\.591"):
        aligned.matrix(1.0)
    with pytest.raises(InputError, match="use order 1 or more"):
        moment_matrix(aligned, 1.0, 0)
    assert mode_rates(aligned, 0.0, 1)[0].real == pytest.approx(10.0 / (2.0 * np.pi) - 1.0)
