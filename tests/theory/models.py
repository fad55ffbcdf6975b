"""Models that several tests use."""

from theory import Chemical, Chemotaxis, Model, Motion, Sensing, Species

RUN = Motion(tumble_rate=1.0)


def one_species(speed: str = "1.0", **kwargs: object) -> Model:
    return Model(2, [Species("A", RUN, speed)], **kwargs)  # type: ignore[arg-type]


def cross(kappa_a: float, kappa_b: float, self_inhibition: float = 1.0, dimension: int = 2) -> Model:
    """[S1] Eq. 14 with the parameters of its figure 3."""
    parameters = {"ks": self_inhibition, "ka": kappa_a, "kb": kappa_b}
    speeds = [f"exp(-ks*tanh(({m} - 50)/15) + {k}*tanh(({n} - 50)/15))" for m, n, k in (("A", "B", "ka"), ("B", "A", "kb"))]
    return Model(dimension, [Species(n, RUN, v) for n, v in zip("AB", speeds, strict=True)], parameters)


def figure_one() -> Model:
    """[S1] Eq. 10 with the parameters of its figure 1."""
    return Model(2, [Species(n, RUN, f"exp(-tanh(({n} - 40)/20) + 0.5*tanh((total - 90)/40))") for n in "AB"])


def reference_mixture(dimension: int, sensing: Sensing) -> Model:
    """D = (1, 1.5) and a = [[-.006, .010], [-.012, -.004]] at the composition (40, 60)."""
    parameters = {"va": dimension**0.5, "vb": (1.5 * dimension) ** 0.5}
    a = "va*exp(-0.006*(A - 40) + 0.010*(B - 60))"
    b = "vb*exp(-0.012*(A - 40) - 0.004*(B - 60))"
    return Model(dimension, [Species("A", RUN, a), Species("B", RUN, b)], parameters, sensing)


def steered(
    biases: tuple[float, float] = (0.1, 0.1), made: tuple[float, float] = (1.0, 1.0), speeds: tuple[str, str] = ("1", "1")
) -> Model:
    """Two species that steer by one chemical, which both make ([S1] Eqs. 15, 18)."""
    species = [
        Species(n, RUN, v, chemotaxis=(Chemotaxis("c", speed_bias=b),)) for n, v, b in zip("AB", speeds, biases, strict=True)
    ]
    return Model(2, species, chemicals=[Chemical("c", dict(zip("AB", made, strict=True)), 1.0, 1.0)])


def three_species() -> Model:
    """[S1] Eq. 10 for three species without a symmetry: four phases coexist near equal densities."""
    numbers = {"A": (1.0, 40, 20), "B": (1.1, 45, 22), "C": (0.9, 38, 18)}
    laws = {n: f"exp(-{k}*tanh(({n} - {r})/{w}) + 0.5*tanh((total - 90)/40))" for n, (k, r, w) in numbers.items()}
    return Model(2, [Species(n, RUN, v) for n, v in laws.items()])


def duan(coupling: float, rotational_diffusion: float) -> Model:
    """The quorum-sensing model of Duan, Agudo-Canalejo, Golestanian and Mahault with eta_AB = -eta_BA, eta_AA = eta_BB = 0."""
    speeds = [f"1 + 0.7*tanh({sign}eta*({other} - 80)/(0.7*80))" for sign, other in (("", "B"), ("-", "A"))]
    motion = Motion(rotational_diffusion=rotational_diffusion)
    species = [Species(name, motion, speed) for name, speed in zip("AB", speeds, strict=True)]
    return Model(2, species, {"eta": coupling}, Sensing("linear", 1.0))
