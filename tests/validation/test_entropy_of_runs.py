"""Entropy production of stored runs, fields and particles beside the linear theory; of a band that travels; of a lattice."""

from pathlib import Path

import numpy as np
import pytest

from runs.entropy import RunEntropy, entropy
from runs.execute import run
from runs.gallery import gallery_file
from runs.runfile import load
from tests.theory import lattice
from theory.free_energy import integrability


def measured(name: str, directory: Path, overrides: list[str], **options: object) -> RunEntropy:
    run(load(gallery_file(name), overrides), directory, quiet=True)
    return entropy(directory, **options)  # type: ignore[arg-type]


def told(found: RunEntropy) -> None:
    for one in found.scales:
        rates, errors, expected = one.estimate.rates, one.estimate.standard_errors, one.expected
        for n, filter_ in enumerate(found.filters):
            theory = "" if found.continuous is None else f"theory {found.continuous[n]:.4f}, "
            beside = "" if expected is None else f", expected {expected[n]:.4f}"
            error = "" if errors is None else f" +- {errors[n]:.4f}"
            measured = f"measured {rates[n]:.4f}{error}{beside}, bias {one.bias[n]:.3f}"
            print(f"{one.scale:9} length {filter_.length:5.3g}: {theory}{measured}")


# constant couplings, which the kernel leaves integrable ([S1] Eq. 2)
LINEAR = (
    "model.species.A.speed=2*exp((ka*(B - 100) - 0.1*(A - 100))/50)",
    "model.species.B.speed=2*exp((kb*(A - 100) - 0.1*(B - 100))/50)",
)


@pytest.mark.parametrize(
    ("couplings", "laws", "integrable"), [((0.2, 0.2), LINEAR, True), ((-0.3, 0.3), (), False), ((-0.3, 0.0), (), False)]
)
def test_stable_mixtures(couplings: tuple[float, float], laws: tuple[str, ...], integrable: bool, tmp_path: Path) -> None:
    """One integrable, two non-reciprocal: what both scales show is what linear theory expects of the same measurement."""
    print(f"\ncouplings {couplings}")
    overrides = [*laws, f"model.parameters.ka={couplings[0]}", f"model.parameters.kb={couplings[1]}", "run.duration=320"]
    found = measured("circulation", tmp_path / "run", overrides, after=20.0)
    told(found)
    specification = found.specification
    assert integrability(specification.model, dict(specification.composition)).nonlocal_ == integrable
    for one in found.scales:
        errors, expected = one.estimate.standard_errors, one.expected
        assert errors is not None
        assert expected is not None
        # absolute errors at which the non-reciprocal mixtures stand out by tens of them
        assert errors[0] < 0.25
        assert np.all(np.abs(one.estimate.rates - expected) < 3.0 * errors)
        assert one.estimate.clipped_shares.max() < 1e-3
    if integrable:
        assert found.continuous is not None
        assert np.all(found.continuous < 1e-10)
    else:
        assert all(one.expected is not None and one.expected[0] > 0.5 for one in found.scales)


def test_travelling_band(tmp_path: Path) -> None:
    """The band of the gallery: rates at every length, and maps in the moving frame, of fields and of particles."""
    found = measured("travelling-band", tmp_path / "run", [], frame="comoving", lengths=[0.3, 0.5, 0.75, 1.0, 1.5])
    told(found)
    fields, particles = found.scales
    assert fields.weak_noise is not None
    volume = float(np.prod(found.specification.size))
    currents = float(fields.weak_noise.mean() * volume)
    print(f"fields: {currents:.4f} from currents; speeds {fields.motion.velocity} and {particles.motion.velocity}")
    # the filter takes away what is sharper than it
    assert 0.8 * currents < fields.estimate.rates[0] < currents
    np.testing.assert_allclose(particles.estimate.rates, fields.estimate.rates, rtol=0.12)
    assert fields.estimate.density is not None
    assert particles.estimate.density is not None
    profiles = []
    for one in (fields, particles):
        assert one.estimate.density is not None
        along = one.estimate.density.mean(axis=0)
        # the phases of both bands differ by what fluctuations have moved the particles': compared by their waves
        profiles.append(np.abs(np.fft.rfft(along))[:5] / along.size)
    np.testing.assert_allclose(profiles[0], profiles[1], rtol=0.25, atol=0.15 * profiles[0][0])


@pytest.mark.parametrize(("number", "printed"), [(5000.0, 10.0), (200.0, 9.5), (50.0, 8.3)])
def test_lattice(number: float, printed: float) -> None:
    """32 sites of N particles, k = (.2, -.05): what the mid-point rule measures falls below the linear 10 for few of them."""
    found = lattice.measured(number, (0.2, -0.05), time=60.0)
    assert found.standard_errors is not None
    rate, error = found.rates[0] / 64, found.standard_errors[0] / 64
    print(f"\nN = {number:g}: {rate:.2f} +- {error:.2f}, {printed} printed")
    assert error < 0.2
    assert abs(rate - printed) < 3.0 * error
