r"""Does non-reciprocity fade? Integrability of the effective chemical potentials ([S1] Eqs. 2, 7, 8).

The hydrodynamics is that of an equilibrium mixture iff u_m = log rho_m + log v_m is a functional derivative.

- Local approximation [S1 Eq. 8]: a_mn = a_nm, with a_mn = d log v_m / d rho_n, for all densities.
- With kernels [S1 Eq. 2]: delta log v_m(r) / delta rho_n(r') = a_mn(r) K_mn(r - r') must be symmetric under the exchange of
  (m, r) and (n, r'). As a_mn depends on r through the densities there, it must be constant: log v is linear in the sensed
  densities. This holds for one species too.
"""

from dataclasses import dataclass

import numpy as np
import sympy
from numpy.typing import ArrayLike, NDArray

from theory.model import Model

Array = NDArray[np.float64]

# symmetric up to this relative difference counts as symmetric where symbols do not decide
_TOLERANCE = 1e-9
_SAMPLES = 200


@dataclass(frozen=True)
class Integrability:
    """Whether an effective free energy exists.

    Parameters
    ----------
    local
        With the sensed densities replaced by the local ones [S1 Eq. 8].
    nonlocal_
        With the model's own kernels [S1 Eq. 2].
    violation
        max |a_mn - a_nm| / max |a_mn| over sampled densities between 0 and twice the composition; 0 where local.
    nonlocal_violation
        Largest departure from constant symmetric couplings over the same samples, relative to max |a_mn|.
    """

    local: bool
    nonlocal_: bool
    violation: float
    nonlocal_violation: float


def integrability(model: Model, composition: ArrayLike | dict[str, float]) -> Integrability:
    """Test [S1] Eqs. 8 and 2, by symbols where they decide and by numbers at sampled densities otherwise.

    Parameters
    ----------
    model
        The model.
    composition
        Densities (1/length^d), which set the range of densities that is sampled (0 to twice these).

    Returns
    -------
    Integrability
    """
    densities = model.densities(composition)
    samples = _sampled_densities(densities)
    couplings = model.log_derivatives(samples)
    scale = float(np.max(np.abs(couplings), initial=0.0))
    if scale == 0.0:
        return Integrability(True, True, 0.0, 0.0)
    asymmetry = float(np.max(np.abs(couplings - couplings.swapaxes(0, 1)))) / scale
    local = _symmetric_by_symbols(model) or asymmetry < _TOLERANCE
    variation = float(np.max(np.ptp(couplings, axis=-1))) / scale
    same_kernels = _kernels_symmetric(model, couplings)
    nonlocal_ = local and variation < _TOLERANCE and same_kernels
    departure = max(variation, asymmetry if not local else 0.0, 0.0 if same_kernels else 1.0)
    return Integrability(local, nonlocal_, 0.0 if local else asymmetry, 0.0 if nonlocal_ else departure)


def _sampled_densities(densities: Array) -> Array:
    """A low-discrepancy sample of the box from 0 to twice the composition, shape (species, sample)."""
    from scipy.stats import qmc

    unit = qmc.Halton(d=densities.size, scramble=False).random(_SAMPLES + 1)[1:]
    return np.asarray(2.0 * np.maximum(densities, 1e-300)[:, None] * unit.T)


def _symmetric_by_symbols(model: Model) -> bool:
    laws = model.motility
    for m, first in enumerate(model.names):
        for second in model.names[:m]:
            difference = laws[first].log_derivative(second) - laws[second].log_derivative(first)
            # parameters take their values: a law may be integrable for these values alone
            values = {sympy.Symbol(name, real=True): sympy.Rational(repr(v)) for name, v in model.parameters.items()}
            if sympy.simplify(difference.xreplace(values)) != 0:
                return False
    return True


def _kernels_symmetric(model: Model, couplings: Array) -> bool:
    """Whether every pair that is coupled senses each other through the same kernel."""
    channels = model.channels
    return all(
        channels.kernels[channels.index[m, n]] == channels.kernels[channels.index[n, m]]
        for m in range(model.number_of_species)
        for n in range(m)
        if np.any(couplings[m, n] != 0.0) or np.any(couplings[n, m] != 0.0)
    )
