"""Observables shared by both scales: pure functions of arrays, and accumulators over frames.

Those of density fields are at hand here; those of particle configurations are in modules of their own, by subject.
"""

from theory.observables.fields import (
    Shells,
    Travel,
    band_variance,
    deposit_window,
    domain_size,
    dominant_wavenumber,
    filtered,
    modes,
    structure_factors,
    travelling_speed,
)
from theory.observables.phases import Phase, Smoothing, phases

__all__ = [
    "Phase",
    "Shells",
    "Smoothing",
    "Travel",
    "band_variance",
    "deposit_window",
    "domain_size",
    "dominant_wavenumber",
    "filtered",
    "modes",
    "phases",
    "structure_factors",
    "travelling_speed",
]
