import numpy as np
import pytest

from theory import InputError, Model, Motion, PairSensing, Sensing, Species
from theory.expressions import ExpressionError

RUN = Motion(tumble_rate=1.0)


def one_sensing(*pairs: PairSensing) -> Model:
    return Model(2, [Species("A", RUN, "1")], sensing=Sensing(pairs=pairs))


def test_persistence_time_of_all_motions() -> None:
    assert Motion(tumble_rate=0.5, rotational_diffusion=2.0).time(2) == pytest.approx(1.0 / 2.5)
    assert Motion(tumble_rate=0.5, rotational_diffusion=2.0).time(3) == pytest.approx(1.0 / 4.5)
    assert Motion(tumble_rate=0.5, rotational_diffusion=2.0).time(1) == pytest.approx(2.0)
    assert Motion(aoup=True, persistence_time=3.0).time(2) == 3.0
    with pytest.raises(InputError, match="cannot diffuse"):
        Motion(rotational_diffusion=1.0).time(1)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"tumble_rate": -1.0},
        {"rotational_diffusion": np.nan},
        {"persistence_time": 1.0},
        {"persistence_time": 1.0, "aoup": True, "tumble_rate": 1.0},
        {"persistence_time": 0.0, "aoup": True},
    ],
)
def test_motion_refusals(arguments: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Motion(**arguments)  # type: ignore[arg-type]


def test_total_is_the_sum_and_derivatives_are_exact() -> None:
    model = Model(2, [Species(n, RUN, f"exp(-0.1*total) + 0.01*{n}**2") for n in "ABC"])
    rho = np.array([1.0, 2.0, 3.0])
    step = 1e-6
    for m, name in enumerate(model.names):
        law = model.motility[name]
        for n, other in enumerate(model.names):
            shifted = [rho + s * step * np.eye(3)[n] for s in (1, -1)]
            numeric = (model.speed(shifted[0])[m] - model.speed(shifted[1])[m]) / (2.0 * step)
            assert float(law.evaluate(law.derivative(other), rho)) == pytest.approx(numeric, rel=1e-8)
            logarithmic = numeric / model.speed(rho)[m]
            assert model.log_derivatives(rho)[m, n] == pytest.approx(logarithmic, rel=1e-8)


def test_one_kernel_gives_one_channel_per_species() -> None:
    model = Model(2, [Species(n, RUN, "1.0") for n in "AB"])
    assert model.channels.sources == (0, 1)
    np.testing.assert_array_equal(model.channels.index, [[0, 1], [0, 1]])


def test_pair_sensing_adds_a_channel_only_where_it_differs() -> None:
    pairs = (PairSensing("A", "B", "gaussian", 0.5), PairSensing("B", "B", "bump", 1.0))
    model = Model(2, [Species(n, RUN, "1.0") for n in "AB"], sensing=Sensing("bump", 1.0, pairs))
    channels = model.channels
    read = {
        (o, s): (channels.kernels[channels.index[i, j]].name, channels.sources[channels.index[i, j]])
        for i, o in enumerate("AB")
        for j, s in enumerate("AB")
    }
    assert read == {("A", "A"): ("bump", 0), ("A", "B"): ("gaussian", 1), ("B", "A"): ("bump", 0), ("B", "B"): ("bump", 1)}
    assert len(channels.sources) == 3


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Model(4, [Species("A", RUN, "1")]), "dimension"),
        (lambda: Model(2, []), "at least one"),
        (lambda: Model(2, [Species("A", RUN, "1"), Species("A", RUN, "1")]), "twice"),
        (lambda: Model(2, [Species("exp", RUN, "1")]), "reserved"),
        (lambda: Model(2, [Species("total", RUN, "1")]), "reserved"),
        (lambda: Model(2, [Species("A b", RUN, "1")]), "identifier"),
        (lambda: Model(2, [Species("lambda", RUN, "1")]), "identifier"),
        (lambda: Model(2, [Species("A", RUN, "1")], {"A": 1.0}), "twice"),
        (lambda: Model(2, [Species("A", RUN, "k")], {"k": np.inf}), "finite"),
        (lambda: Model(2, [Species("A", RUN, "1", -1.0)]), "translational_diffusion"),
        (
            lambda: Model(2, [Species("A", RUN, "1")], sensing=Sensing(pairs=(PairSensing("A", "C", "bump", 1.0),))),
            "no species",
        ),
        (lambda: one_sensing(*[PairSensing("A", "A", "bump", 1.0)] * 2), "stated twice"),
    ],
)
def test_refusals(build: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build()  # type: ignore[operator]


def test_a_bad_law_names_its_species() -> None:
    with pytest.raises(ExpressionError, match="speed of species B"):
        Model(2, [Species("A", RUN, "1"), Species("B", RUN, "exq(A)")])


def test_negative_speeds_are_refused_by_name() -> None:
    model = Model(2, [Species("A", RUN, "1 - A/10")])
    with pytest.raises(InputError, match=r"'1 - A/10' gives the speed -1 at A = 20"):
        model.speed([20.0])


def test_composition_by_name_and_its_refusals() -> None:
    model = Model(2, [Species(n, RUN, "1") for n in "AB"])
    np.testing.assert_array_equal(model.densities({"B": 2.0, "A": 1.0}), [1.0, 2.0])
    for wrong in ({"A": 1.0}, {"A": 1.0, "C": 2.0}, [1.0], [1.0, -1.0], [1.0, np.nan]):
        with pytest.raises(InputError):
            model.densities(wrong)


def test_printed_tree_shows_what_a_paper_shows() -> None:
    text = str(Model(2, [Species("A", RUN, "v0*exp(-0.8*tanh((A - 50)/15))")], {"v0": 1.5}))
    for part in ("model in 2D", "tumble rate 1", "tanh", "A - 50", "15", "v0 = 1.5", "bump kernel, range 1"):
        assert part in text


@pytest.mark.parametrize(("law", "printed"), [("133.33333333333334", "133.333"), ("11.1111", "11.1111"), ("A/3 + 1", "3")])
def test_printed_numbers_have_no_more_digits_than_needed(law: str, printed: str) -> None:
    (line,) = [one for one in Model(2, [Species("A", RUN, law)]).motility["A"].pretty.splitlines() if printed in one]
    assert line.strip() == printed


def test_latex() -> None:
    assert r"\tanh" in Model(2, [Species("A", RUN, "tanh(A) + 2")]).motility["A"].latex
