"""Theory, fields and particles side by side, on runs of a second: an ideal gas, of which all is known, and mixtures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import runs.compare
import runs.expectation
from runs.cli import main
from runs.compare import as_table, compare
from runs.execute import run
from runs.filters import Filters, band_edge
from runs.frames_of_run import open_run
from runs.gallery import gallery_file
from runs.runfile import parse
from runs.store import StoreError
from tests.runs.small_runs import BOTH, IDEAL, MIXTURE
from theory import InputError, Model, NumericalFailure
from theory.arrays import Array
from theory.coexistence import SlabProfile
from theory.flocks import UniformFlock
from theory.fourier import Grid
from theory.homogeneous import HomogeneousState
from theory.kernels import Kernel
from theory.linear_stability import classify

Row = dict[str, Any]
OBSERVABLES = [
    "mean_speed",
    "density_variance",
    "structure_factor",
    "dominant_wavenumber",
    "travelling_speed",
    "phase_density",
]
SOURCES = ("theory", "fields", "particles")
PAIRS = ("theory-fields", "theory-particles", "fields-particles")


def stored(directory: Path, text: str, *overrides: str, scales: Any = None) -> Path:
    outcomes = run(parse(text, overrides=overrides), directory, scales=scales, threads=1, quiet=True)
    assert all(one.status == "done" for one in outcomes)
    return directory


@pytest.fixture(autouse=True)
def _no_coexistence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The noise of short runs is taken for phases, whose interfaces take seconds to solve for."""

    def refuse(*arguments: Any) -> None:
        raise InputError("not in this test")

    monkeypatch.setattr(runs.expectation, "slab_profile", refuse)


def row_of(rows: list[Row], observable: str, species: str) -> Row:
    (found,) = [row for row in rows if (row["observable"], row["species"]) == (observable, species)]
    return found


@pytest.fixture(scope="module")
def gas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ideal gas for some hundred relaxation times of its slowest mode, 1/(D q^2) = 0.8."""
    return stored(tmp_path_factory.mktemp("gas") / "run", IDEAL, "run.duration=96")


@pytest.fixture(scope="module")
def rows(gas: Path) -> list[Row]:
    return compare([gas])


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("replicas")
    return [stored(folder / str(seed), IDEAL, "run.duration=8", f"run.seed={seed}") for seed in (1, 2, 3)]


@pytest.fixture(scope="module")
def mixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored(tmp_path_factory.mktemp("mixture") / "run", MIXTURE, "domain.size=[8.0, 4.0]", "fields.grid=[48, 24]")


# --- what rows hold ------------------------------------------------------------------------------------------------


def test_rows_have_all_observables_and_all_columns(rows: list[Row]) -> None:
    assert list(dict.fromkeys(row["observable"] for row in rows)) == OBSERVABLES
    for row in rows:
        assert list(row) == ["observable", "species", "units", *SOURCES, "z_scores", "regime"]
        assert list(row["z_scores"]) == list(PAIRS)
        assert row["units"].replace("time", "length").startswith(("length", "1/length"))
        assert len(row["regime"]) > 20
        for source in SOURCES:
            assert row[source] is None or list(row[source]) == ["value", "standard_error", "samples"]


def test_rows_of_a_mixture_have_every_species_and_pair(mixture: Path) -> None:
    found = compare([mixture])
    labels = {name: [row["species"] for row in found if row["observable"] == name] for name in OBSERVABLES}
    assert labels["mean_speed"] == labels["density_variance"] == labels["dominant_wavenumber"] == ["A", "B"]
    assert labels["structure_factor"] == ["AA", "AB", "BB"]
    assert {"A, phase 1", "B, phase 1"} <= set(labels["phase_density"])
    # the composition is unstable: theory speaks of the fastest mode
    state = HomogeneousState.of(parse(MIXTURE).model, {"A": 50.0, "B": 45.0})
    expected = classify(state)
    assert expected.kind == "oscillatory"
    for name in "AB":
        assert row_of(found, "dominant_wavenumber", name)["theory"]["value"] == expected.wavenumber
        assert row_of(found, "travelling_speed", name)["theory"]["value"] == expected.phase_speed
        assert row_of(found, "mean_speed", name)["theory"] is None
    assert "unstable" in row_of(found, "mean_speed", "A")["regime"]
    assert "onset" in row_of(found, "dominant_wavenumber", "A")["regime"]


def test_the_command_prints_the_rows(replicas: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    found = compare(replicas)
    names = [str(one) for one in replicas]
    assert main(["compare", *names, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == found
    assert main(["compare", *names]) == 0
    assert capsys.readouterr().out.strip() == as_table(found)


def test_table_shows_every_row_and_regime(rows: list[Row]) -> None:
    text = as_table(rows)
    lines = text.splitlines()
    assert [line.split()[0] for line in lines[1 : 1 + len(rows)]] == [row["observable"] for row in rows]
    for row in rows:
        assert f"{row['observable']}: {row['regime']}" in lines
    assert "±" in text
    # each of the numbers is a column of its own
    assert f"{row_of(rows, 'structure_factor', 'AA')['theory']['value']:.5g}" in text


# --- numbers -------------------------------------------------------------------------------------------------------


def test_theory_of_an_ideal_gas(rows: list[Row]) -> None:
    """Independent particles of density rho: S(q) = rho; the variance of what is sensed is rho/volume times the sum of Khat^2.

    The modes are those of the box up to the coarse-graining of the noise, pi over the range, enumerated here by hand.
    """
    kernel, box = Kernel("bump", 1.0, 2), 2.0 * np.pi / 4.0
    waves = [box * np.hypot(nx, ny) for nx in range(-4, 5) for ny in range(-4, 5) if nx**2 + ny**2 > 0]
    variance = 40.0 * sum(float(kernel.transform(q)) ** 2 for q in waves if q <= np.pi * (1.0 + 1e-12)) / 16.0
    expected = {
        ("mean_speed", "A"): 1.0,
        ("density_variance", "A"): variance,
        ("structure_factor", "AA"): 40.0,
        ("travelling_speed", "A"): 0.0,
    }
    for (observable, species), value in expected.items():
        theory = row_of(rows, observable, species)["theory"]
        assert theory["value"] == pytest.approx(value, rel=1e-12)
        assert theory["standard_error"] == 0.0
    assert row_of(rows, "dominant_wavenumber", "A")["theory"] is None


@pytest.mark.parametrize(("observable", "species"), [("density_variance", "A"), ("structure_factor", "AA")])
def test_an_ideal_gas_agrees_with_its_theory(observable: str, species: str, rows: list[Row]) -> None:
    """|z| < 4: with ten blocks or more by chance once in 300."""
    row = row_of(rows, observable, species)
    for source in BOTH:
        found = row[source]
        assert found["samples"] >= 8
        # errors are small enough to tell a wrong factor of two
        assert 0.0 < found["standard_error"] < 0.15 * found["value"]
    for pair in PAIRS:
        assert abs(row["z_scores"][pair]) < 4.0


def test_exact_numbers_have_no_z_score(rows: list[Row]) -> None:
    """A constant speed, which is 1 but for round-off in the mean over cells."""
    row = row_of(rows, "mean_speed", "A")
    for source in BOTH:
        assert row[source]["value"] == pytest.approx(1.0, abs=1e-14)
        assert row[source]["standard_error"] == pytest.approx(0.0, abs=1e-14)
    assert row["z_scores"] == dict.fromkeys(PAIRS)


def test_z_scores_are_differences_over_errors(rows: list[Row]) -> None:
    row = row_of(rows, "structure_factor", "AA")
    fields, particles = row["fields"], row["particles"]
    error = np.hypot(fields["standard_error"], particles["standard_error"])
    assert row["z_scores"]["fields-particles"] == pytest.approx((fields["value"] - particles["value"]) / error)
    assert row["z_scores"]["theory-fields"] == pytest.approx((40.0 - fields["value"]) / fields["standard_error"])


def test_a_single_phase_has_the_density_of_the_composition(rows: list[Row]) -> None:
    """The mode of a histogram of fluctuations of relative width 0.1 is sought: a fifth of that is far."""
    row = row_of(rows, "phase_density", "A, phase 1")
    for source in BOTH:
        assert row[source]["value"] == pytest.approx(40.0, rel=0.05)


def test_a_mean_over_frames_is_the_mean_of_the_stored_numbers(mixture: Path) -> None:
    """From the second half of the frames, or from a time on."""
    _, scales = open_run(mixture)
    series = scales["particles"].number("mean_speed_B")
    for after, first in ((None, 5), (0.2999, 8), (0.0, 0), (0.28, 7)):
        found = row_of(compare([mixture], after=after), "mean_speed", "B")["particles"]
        assert found["value"] == pytest.approx(series[first:].mean(), rel=1e-14)


def test_phases_that_may_have_gone_round_give_no_speed(rows: list[Row], mixture: Path) -> None:
    """The modes of the gas decay between its frames, the pattern of the mixture hardly moves."""
    row = row_of(rows, "travelling_speed", "A")
    assert row["theory"]["value"] == 0.0
    assert row["fields"] is None
    assert row["particles"] is None
    for name in "AB":
        assert row_of(compare([mixture]), "travelling_speed", name)["fields"]["value"] > 0.0


def test_modes_of_particles_are_those_of_their_positions(gas: Path) -> None:
    """The deposit's window is divided out; what is left are aliases, at most 4 (q a/(2 pi))^3 of sqrt(N) in sum."""
    _, scales = open_run(gas)
    frames = scales["particles"]
    grid, positions = frames.grid, frames.series.load("position", -1)[0].astype(np.float64)
    kx, ky = grid.wavenumbers
    centre = 0.5 * grid.spacing[0]
    exact = np.exp(-1j * np.outer(ky, positions[:, 1] - centre)) @ np.exp(-1j * np.outer(kx, positions[:, 0] - centre)).T
    low = grid.wavenumber < 2.3
    bound = 4.0 * (2.3 * grid.spacing[0] / (2.0 * np.pi)) ** 3 * np.sqrt(len(positions)) * 4.0
    assert np.abs(frames.modes(-1)[0] - exact)[low].max() < bound
    # without the division they would not be
    deposited = np.fft.rfft2(frames.density(-1)[0]) * grid.cell_volume
    assert np.abs(deposited - exact)[low].max() > bound
    assert scales["fields"].modes(-1)[0, 0, 0] == pytest.approx(640.0)


def test_too_few_frames_have_no_errors_and_no_z_scores(mixture: Path) -> None:
    for row in compare([mixture]):
        for source in BOTH:
            if row[source] is not None:
                assert row[source]["standard_error"] is None
                assert row[source]["samples"] == 1
        assert row["z_scores"] == dict.fromkeys(PAIRS)
    assert "(?)" in as_table(compare([mixture]))


def test_modes_on_the_edge_of_the_band_count_for_all(gas: Path) -> None:
    """pi over the range is a wavenumber of the box: theory, fields and particles, on three grids, have as many modes."""
    specification, scales = open_run(gas)
    edge = band_edge(specification)
    counts = set()
    for shape in (scales["fields"].grid.shape, scales["particles"].grid.shape, (10, 10), (30, 48)):
        grid = Grid((4.0, 4.0), shape)
        filters = Filters.of(specification, grid)
        counts.add((int(grid.multiplicity[filters.band].sum()), int(grid.multiplicity[filters.low].sum())))
    assert counts == {(13, 12)}
    assert edge == pytest.approx(np.pi)


def test_the_band_ends_where_a_coarse_grid_of_fields_does() -> None:
    assert band_edge(parse(IDEAL, overrides=["fields.grid=[8, 16]"])) == pytest.approx(np.pi)
    coarse = parse(IDEAL, overrides=["domain.size=[16.0, 4.0]", "fields.grid=[16, 16]"])
    assert band_edge(coarse) == pytest.approx(np.pi * 2.0 / 3.0)
    assert band_edge(coarse) < np.pi * 2.0 / 3.0
    assert band_edge(parse(IDEAL, overrides=["fields.noise_length=2.0"])) == pytest.approx(np.pi / 2.0)


@pytest.mark.parametrize(("name", "layout"), [("demixing", [0, 1]), ("triple-coexistence", [0, 1, 2, 1])])
def test_theory_of_coexisting_phases(name: str, layout: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flat interfaces are solved for from the measured phases, and their plateaus stand beside these, a tenth higher here."""

    def solve(model: Model, shares: list[float], densities: Array, length: float) -> SlabProfile:
        assert sum(shares) == pytest.approx(1.0)
        # the start holds the composition
        np.testing.assert_allclose(shares @ densities, composition, rtol=1e-12)
        assert length >= 8.0 / min(shares) * (1.0 - 1e-12)
        assert len(shares) == len(layout)
        return SlabProfile(np.zeros(1), np.zeros((2, 1)), np.zeros(2), 0.0, 1.1 * densities)

    monkeypatch.setattr(runs.expectation, "slab_profile", solve)
    text = gallery_file(name).read_text(encoding="utf-8")
    overrides = ("domain.size=[24.0, 3.0]", "fields.grid=[96, 12]", "run.duration=1", "run.output_interval=0.05")
    composition = list(parse(text).composition.values())
    found = compare([stored(tmp_path / "run", text, *overrides, scales=["fields"])])
    rows = [row for row in found if row["observable"] == "phase_density"]
    phases = range(1, max(layout) + 2)
    assert [row["species"] for row in rows] == [f"{species}, phase {n}" for n in phases for species in "AB"]
    for row in rows:
        # the shares put phases back on the composition, which their smoothed densities miss by some per cent
        assert row["theory"]["value"] == pytest.approx(1.1 * row["fields"]["value"], rel=0.1)
        assert row["theory"]["standard_error"] == 0.0
    assert rows[0]["fields"]["value"] > 3.0 * rows[1]["fields"]["value"]


@pytest.mark.parametrize("error", [InputError("thin slabs"), NumericalFailure("no steady profile")])
def test_without_a_steady_profile_there_is_no_theory_of_phases(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any) -> None:
        raise error

    monkeypatch.setattr(runs.expectation, "slab_profile", fail)
    text = gallery_file("demixing").read_text(encoding="utf-8")
    overrides = ("domain.size=[16.0, 3.0]", "fields.grid=[64, 12]", "run.duration=0.4", "run.output_interval=0.2")
    found = compare([stored(tmp_path / "run", text, *overrides, scales=["fields"])])
    assert all(row["theory"] is None for row in found if row["observable"] == "phase_density")


# --- replicas ------------------------------------------------------------------------------------------------------


def test_three_replicas_give_errors_from_their_spread(replicas: list[Path]) -> None:
    single = [row_of(compare([one]), "structure_factor", "AA") for one in replicas]
    found = compare(replicas)
    together = row_of(found, "structure_factor", "AA")
    for source in BOTH:
        values = [row[source]["value"] for row in single]
        assert together[source]["value"] == pytest.approx(np.mean(values))
        assert together[source]["standard_error"] == pytest.approx(np.std(values, ddof=1) / np.sqrt(3))
        assert together[source]["samples"] == 3
        # three of these are too short for errors of their own
        assert single[0][source]["standard_error"] is None
    assert together["z_scores"]["fields-particles"] is not None
    for row in found:
        for source in BOTH:
            assert row[source] is None or row[source]["standard_error"] is not None


def test_the_same_run_twice_is_no_replica(replicas: list[Path]) -> None:
    with pytest.raises(InputError, match="replicas are independent by different seeds"):
        compare([replicas[0], replicas[1], replicas[0]])


REPELLING = (
    'model.interactions=[{observer = "A", source = "A", force = "0.1*(1 - r)", cutoff = 1.0}]',
    "composition.A=2.0",
    "domain.size=[8.0, 8.0]",
    "run.duration=2.0",
)
SEEN = 'model.mean_field=[{observer = "A", source = "A", repulsion = 0.05}]'


def test_scales_may_come_from_two_runs(tmp_path: Path) -> None:
    """Particles first, and the fields with coefficients that these gave: the band and the theory are those of the fields."""
    overrides = (*REPELLING, "fields.noise_length=2.0")
    text = IDEAL.replace("[fields]", "[[model.mean_field]]\nobserver = 'A'\nsource = 'A'\nrepulsion = 0.0\n[fields]")
    particles = stored(tmp_path / "particles", text, *REPELLING, scales=["particles"])
    fields = stored(tmp_path / "fields", text, *overrides, SEEN, scales=["fields"])
    both = stored(tmp_path / "both", text, *overrides, SEEN)
    found = compare([particles, fields])
    assert found == compare([fields, particles]) == compare([both])
    assert all(row_of(found, "density_variance", "A")[source] is not None for source in SOURCES)
    # what pair forces take away of the speed of particles is not in what frames hold of it
    speed = row_of(found, "mean_speed", "A")
    assert speed["particles"] is None
    assert speed["fields"] is not None
    assert "left out" in speed["regime"]
    again = stored(tmp_path / "again", text, *REPELLING, scales=["particles"])
    with pytest.raises(InputError, match="the runs of the particles have the seeds 1, 1; replicas are independent"):
        compare([particles, fields, again])
    other = stored(tmp_path / "other", text, *overrides, "run.seed=2", scales=["fields"])
    with pytest.raises(InputError, match="only replicas are combined"):
        compare([fields, other])


@pytest.mark.parametrize(
    "override",
    [
        "composition.A=41.0",
        "domain.size=[4.0, 4.5]",
        "model.species.A.motion.tumble_rate=2.0",
        "model.sensing.range=0.9",
        "fields.noise=0.5",
    ],
)
def test_different_models_are_refused(override: str, replicas: list[Path], tmp_path: Path) -> None:
    other = stored(tmp_path / "run", IDEAL, "run.seed=7", "run.duration=0.4", override, scales=["fields"])
    with pytest.raises(InputError, match="only replicas are combined"):
        compare([replicas[0], other])


# --- runs of which something is missing ----------------------------------------------------------------------------


@pytest.mark.parametrize("scale", BOTH)
def test_one_scale_alone(scale: str, tmp_path: Path) -> None:
    found = compare([stored(tmp_path / "run", IDEAL, scales=[scale])])
    other = BOTH[1 - BOTH.index(scale)]
    assert all(row[other] is None for row in found)
    assert row_of(found, "structure_factor", "AA")[scale] is not None
    as_table(found)


def test_a_scale_without_frames_yet_is_left_out(tmp_path: Path) -> None:
    """As while the fields still run: the particles have a checkpoint, but no frame."""
    directory = stored(tmp_path / "run", IDEAL)
    for segment in (directory / "particles").glob("segment-*"):
        segment.unlink()
    assert all(row["particles"] is None for row in compare([directory]))
    for segment in (directory / "fields").glob("segment-*"):
        segment.unlink()
    with pytest.raises(StoreError, match="holds no frames"):
        compare([directory])


def test_a_species_without_particles(tmp_path: Path) -> None:
    """Its mean speed is no number, and says so by its absence; there is no linear theory either."""
    found = compare([stored(tmp_path / "run", MIXTURE, "composition.B=0.0")])
    assert row_of(found, "mean_speed", "B")["particles"] is None
    assert row_of(found, "structure_factor", "BB")["particles"]["value"] == 0.0
    assert all(row["theory"] is None for row in found)
    json.dumps(found, allow_nan=False)
    as_table(found)


def test_uniform_deterministic_fields(tmp_path: Path) -> None:
    directory = stored(tmp_path / "run", IDEAL, "fields.noise=0", "initial.noise=0", scales=["fields"])
    found = compare([directory])
    json.dumps(found, allow_nan=False)
    assert row_of(found, "travelling_speed", "A")["fields"]["value"] == pytest.approx(0.0, abs=1e-12)
    assert row_of(found, "density_variance", "A")["fields"]["value"] == pytest.approx(0.0, abs=1e-20)
    assert "fields are deterministic: no fluctuations" in row_of(found, "density_variance", "A")["regime"]


def test_another_strength_of_the_noise_is_told(tmp_path: Path) -> None:
    directory = stored(tmp_path / "run", IDEAL, "fields.noise=0.25", scales=["fields"])
    assert "0.25 times the variance" in row_of(compare([directory]), "structure_factor", "AA")["regime"]


# turning particles into each other's direction makes them flock: T_1 rho/2 = 2 pi > Dr
ALIGNING = """\
[model]
dimension = 2
[[model.species]]
name = "A"
motion = { rotational_diffusion = 1.0 }
speed = 1.0
translational_diffusion = 0.15
[[model.mean_field]]
observer = "A"
source = "A"
torque_harmonics = [6.283185307179586]
[composition]
A = 2.0
[domain]
size = [8.0, 8.0]
[fields]
grid = [16, 16]
order = 4
noise = 0.0
time_step = 0.05
[run]
duration = 30.0
output_interval = 1.0
[initial]
noise = 0.01
polarity = { A = [0.5, 0.0] }
"""


def test_polar_order_of_a_flock(tmp_path: Path) -> None:
    row = row_of(compare([stored(tmp_path / "run", ALIGNING, scales=["fields"])], after=20.0), "polar_order", "A")
    flock = UniformFlock.of(HomogeneousState.of(parse(ALIGNING).model, {"A": 2.0}), 4)
    assert row["theory"]["value"] == pytest.approx(float(flock.polarity[0]) / 2.0)
    assert row["fields"]["value"] > 0.3
    assert "uniform flock of order 4" in row["regime"]


def test_polar_order_where_all_scales_have_it(gas: Path, tmp_path: Path) -> None:
    """Fields of order 0 have none; that of directions that nothing aligns has no theory, and is that of chance."""
    assert not [row for row in compare([gas]) if row["observable"] == "polar_order"]
    both = stored(tmp_path / "both", IDEAL, "fields.order=1")
    row = row_of(compare([both]), "polar_order", "A")
    assert row["fields"] is not None
    assert row["particles"]["value"] == pytest.approx(1.0 / np.sqrt(640.0), rel=0.9)
    assert row["theory"] is None
    assert "nothing aligns directions" in row["regime"]


def test_why_theory_is_missing(tmp_path: Path) -> None:
    """Without linear theory its reason stands in every row that would rest on it."""
    text = MIXTURE.replace("B = 45.0", "B = 0.0")
    found = compare([stored(tmp_path / "run", text, scales=["fields"])])
    for name in ("mean_speed", "density_variance", "structure_factor", "dominant_wavenumber"):
        row = row_of(found, name, "AA" if name == "structure_factor" else "A")
        assert row["theory"] is None
        assert "no theory: linear theory needs positive densities" in row["regime"]
    assert "no theory: a single phase" in row_of(found, "phase_density", "A, phase 1")["regime"]


def test_a_local_kernel(tmp_path: Path) -> None:
    overrides = ("model.sensing.kernel=local", "fields.noise_length=1.0")
    text = IDEAL.replace("[particles]\ntime_step = 0.1\n", "")
    found = compare([stored(tmp_path / "run", text, *overrides)])
    assert row_of(found, "structure_factor", "AA")["theory"]["value"] == pytest.approx(40.0)


@pytest.mark.parametrize("after", [2.01, 1.99, 1e9])
def test_two_frames_are_needed(after: float, replicas: list[Path], tmp_path: Path) -> None:
    directory = stored(tmp_path / "run", IDEAL, scales=["fields"])
    with pytest.raises(InputError, match="it takes at least 2, and the last is at t ="):
        compare([directory], after=after)


def test_units_are_those_of_the_dimension(tmp_path: Path) -> None:
    text = IDEAL.replace("dimension = 2", "dimension = 1").replace("[4.0, 4.0]", "[40.0]").replace("[16, 16]", "[160]")
    found = compare([stored(tmp_path / "run", text)])
    units = {str(row["observable"]): row["units"] for row in found}
    assert units["density_variance"] == "1/length^2"
    assert units["structure_factor"] == "1/length"
    assert units["mean_speed"] == "length/time"
