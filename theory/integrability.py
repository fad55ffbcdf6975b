r"""Does non-reciprocity fade? Integrability of the effective chemical potentials ([S1] Eqs. 2, 7, 8, 17).

The hydrodynamics is that of an equilibrium mixture iff u_m = log rho_m + w_m (:mod:`theory.chemical_potential`) is a functional
derivative [S1 Eq. 7]. With b_mn the coefficients of dw_m:

- Local approximation [S1 Eq. 8]: b_mn = b_nm at all densities, and, where speeds that vary steer, d b_mn/d rho_l = d b_ml/d
  rho_n.
- With the model's kernels and chemicals [S1 Eqs. 2, 17], delta w_m(r)/delta rho_n(r') must be symmetric under the exchange of
  (m, r) and (n, r'). It is \sum b(r) G(r - r') over all that m reads of n, G a sensing kernel or the chemical's response
  beta/(gamma + Dc q^2). Beyond r = r' the densities at both places are independent: the sum must not depend on them (w is
  linear in what is sensed), and must be symmetric at every wavenumber. What is sensed without a range has the local
  condition.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.arrays import Array
from theory.chemical_potential import ChemicalPotentials
from theory.closed_form import vanishes
from theory.errors import InputError
from theory.model import Model

# symmetric up to this relative difference counts as symmetric where symbols do not decide
_TOLERANCE = 1e-9
# a larger violation than this is no round-off: symbols need not be asked
_ROUND_OFF = 1e-5
_SAMPLES = 200
_WAVENUMBERS = 24


class NotIntegrable(InputError):
    """A mixture without an effective free energy; the message tells the size of the violation."""


@dataclass(frozen=True)
class Integrability:
    """Whether an effective free energy exists.

    Parameters
    ----------
    local
        With the sensed densities replaced by the local ones [S1 Eq. 8].
    nonlocal_
        With the model's own kernels and chemicals [S1 Eqs. 2, 17].
    violation
        max |b_mn - b_nm| / max |b_mn| over sampled densities between 0 and twice the composition; 0 where local.
    nonlocal_violation
        Largest departure from constant symmetric couplings over the same samples and all wavenumbers, relative to the
        largest coupling; 0 where nonlocal.
    proven
        Whether the local answer holds for all densities: symbols show it, or a violation was met. Otherwise it is that of the
        sampled densities.
    """

    local: bool
    nonlocal_: bool
    violation: float
    nonlocal_violation: float
    proven: bool = True


def integrability(model: Model, composition: ArrayLike | dict[str, float]) -> Integrability:
    """Test [S1] Eqs. 2, 7, 8 and 17, by numbers at sampled densities and by symbols where they decide.

    Parameters
    ----------
    model
        The model.
    composition
        Densities (1/length^d), which set the range of densities that is sampled (0 to twice these).

    Returns
    -------
    Integrability

    Raises
    ------
    InputError
        The model has pair interactions, or a chemical without a steady concentration; or no sampled densities have positive
        speeds.
    """
    potentials = ChemicalPotentials(model)
    highest = 2.0 * np.maximum(model.densities(composition), 1e-300)
    violation = _local_violation(potentials, highest)
    shown = violation < _ROUND_OFF and _shown_by_symbols(potentials)
    local = shown or violation < _TOLERANCE
    departure = _nonlocal_departure(potentials, highest)
    nonlocal_ = departure < _TOLERANCE
    return Integrability(
        local, nonlocal_, 0.0 if local else violation, 0.0 if nonlocal_ else departure, proven=shown or not local
    )


def require_integrable(model: Model, composition: ArrayLike | dict[str, float]) -> Integrability:
    """The integrability of a mixture that has a free energy in the local approximation.

    Raises
    ------
    NotIntegrable
        It has none; the message tells the violation.
    """
    found = integrability(model, composition)
    if not found.local:
        raise NotIntegrable(
            "the mixture has no effective free energy, not even locally [S1 Eq. 8]: its couplings d log v_m/d rho_n and "
            f"d log v_n/d rho_m differ by {found.violation:.3g} of the largest"
        )
    return found


def _samples(highest: Array) -> Array:
    """A low-discrepancy sample of the box from 0 to the highest values, shape (axis, sample)."""
    from scipy.stats import qmc

    return np.asarray(highest[:, None] * qmc.Halton(d=highest.size, scramble=False).random(_SAMPLES + 1)[1:].T)


def _where_speeds_are(potentials: ChemicalPotentials, fields: Array) -> NDArray[np.bool_]:
    """Samples (species + chemical, sample) at which all speeds are positive and finite."""
    speeds = np.stack([law.evaluate(law.expression, fields) for law in potentials.model.motility.values()])
    with np.errstate(invalid="ignore"):
        return np.asarray(np.all(np.isfinite(speeds) & (speeds > 0.0), axis=0))


def _local_violation(potentials: ChemicalPotentials, highest: Array) -> float:
    samples = _samples(highest)
    samples = samples[:, _where_speeds_are(potentials, potentials.model.homogeneous_fields(samples))]
    couplings = potentials.feedback(samples)
    finite = np.all(np.isfinite(couplings), axis=(0, 1))
    if not np.any(finite):
        raise InputError("no densities up to twice the composition have positive speeds: there is nothing to integrate")
    couplings = couplings[..., finite]
    scale = float(np.max(np.abs(couplings)))
    if scale == 0.0:
        return 0.0
    violation = float(np.max(np.abs(couplings - couplings.swapaxes(0, 1))))
    if not potentials.is_explicit:
        curvature = potentials.curvature(samples[:, finite])
        open_ = np.abs(curvature - curvature.swapaxes(1, 2)).max(axis=(0, 1))
        violation = max(violation, float(np.max(open_ * highest[:, None])))
    return violation / scale


def _shown_by_symbols(potentials: ChemicalPotentials) -> bool:
    trees, densities = potentials.feedback_trees, potentials.densities
    species = range(len(densities))
    differences = [trees[m][n] - trees[n][m] for m in species for n in range(m)]
    if not potentials.is_explicit:
        differences += [
            trees[m][n].diff(densities[k]) - trees[m][k].diff(densities[n]) for m in species for n in species for k in range(n)
        ]
    return all(vanishes(one) for one in differences)


def _nonlocal_departure(potentials: ChemicalPotentials, highest: Array) -> float:
    """Largest departure from couplings that are symmetric, and constant wherever they have a range."""
    model = potentials.model
    species = range(model.number_of_species)
    # what a particle senses at a place is independent of what it senses of others: the axes are sampled separately
    concentrations = model.homogeneous_fields(highest)[model.number_of_species :]
    fields = _samples(np.concatenate([highest, np.where(concentrations == 0.0, 1.0, concentrations)]))
    fields = fields[:, _where_speeds_are(potentials, fields)]
    gradients = np.stack([potentials.gradient_of_fields(m, fields) for m in species])
    gradients = gradients[..., np.all(np.isfinite(gradients), axis=(0, 1))]
    ranged, local = _responses(model)
    # delta w_m/delta rho_n, shape (observer, source, sample[, wavenumber])
    extended = np.einsum("mfs,mfnq->mnsq", gradients, ranged)
    pointlike = np.einsum("mfs,mfn->mns", gradients, local)
    scale = max(float(np.max(np.abs(extended))), float(np.max(np.abs(pointlike))))
    if scale == 0.0:
        return 0.0
    mean = extended.mean(axis=2)
    departures = (np.ptp(extended, axis=2), mean - mean.swapaxes(0, 1), pointlike - pointlike.swapaxes(0, 1))
    return max(float(np.max(np.abs(one))) for one in departures) / scale


def _responses(model: Model) -> tuple[Array, Array]:
    """What an observer reads in each field of a unit of density of each source: with a range, and at the place itself.

    Returns
    -------
    tuple of ndarray
        Shapes (observer, species + chemical, source, wavenumber) and (observer, species + chemical, source).
    """
    lengths = [one for one in model.sensing_ranges if one > 0.0]
    lengths += [float(np.sqrt(one.diffusivity / one.decay_rate)) for one in model.chemicals if one.diffusivity > 0.0]
    q = np.geomspace(0.01 / max(lengths, default=1.0), 30.0 / min(lengths, default=1.0), _WAVENUMBERS)
    n = model.number_of_species
    ranged = np.zeros((n, n + len(model.chemicals), n, q.size))
    local = np.zeros((n, n + len(model.chemicals), n))
    channels = model.channels
    transforms = [kernel.transform(q) for kernel in channels.kernels]
    for observer in range(n):
        for source in range(n):
            channel = channels.index[observer, source]
            if channels.kernels[channel].is_local:
                local[observer, source, source] = 1.0
            else:
                ranged[observer, source, source] = transforms[channel]
    for p, chemical in enumerate(model.chemicals):
        made = model.production[p]
        if chemical.diffusivity == 0.0:
            local[:, n + p] = made / chemical.decay_rate
        else:
            ranged[:, n + p] = made[:, None] * chemical.transform(q)
    return ranged, local
