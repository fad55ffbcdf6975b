"""Which observers a run has."""

from dataclasses import dataclass

from fieldsolver.entropy_observer import EntropyProduction
from fieldsolver.layout import Layout
from fieldsolver.modes import RetainedModes
from fieldsolver.observation import Observation
from fieldsolver.observers import Kymograph, PatternVelocities, StructureFactors
from fieldsolver.snapshot_observers import DeterministicCurrents, PhaseDensities
from theory.recording import Observer, Sampling


@dataclass(frozen=True)
class Observables(Sampling):
    """What is measured on the way.

    Parameters
    ----------
    output_interval
        Time between frames (time).
    sample_interval
        Time between samples, a whole fraction of it (time).
    structure_factors
        Of all pairs of species, averaged over shells and over the samples since the last frame; and domain sizes.
    pattern_velocity
        From the phases of modes, sample by sample.
    kymograph
        Densities along x, averaged over the other directions, at every sample.
    phase_densities
        Modes of the histogram of the coarse-grained densities of a frame.
    currents
        Deterministic currents of a frame.
    entropy_production
        Of the trajectory, step by step, and its local map.
    entropy_length
        Coarse-graining length of the entropy production; 0: none (length).
    average_after
        Time from which on averages over a whole run are taken (time).
    """

    structure_factors: bool = False
    pattern_velocity: bool = False
    kymograph: bool = False
    phase_densities: bool = False
    currents: bool = False
    entropy_production: bool = False
    entropy_length: float = 0.0
    average_after: float = 0.0

    def observers(self, layout: Layout, modes: RetainedModes) -> list[Observer[Observation]]:
        """The observers of a model's fields.

        Raises
        ------
        InputError
            One of them cannot be had for this model.
        """
        found: list[Observer[Observation]] = []
        if self.structure_factors:
            found.append(StructureFactors(layout, modes))
        if self.pattern_velocity:
            found.append(PatternVelocities(layout, modes, self.sample_interval))
        if self.kymograph:
            found.append(Kymograph(layout, modes, self))
        if self.phase_densities:
            found.append(PhaseDensities(layout, modes))
        if self.currents:
            found.append(DeterministicCurrents(layout, modes))
        if self.entropy_production:
            found.append(EntropyProduction(layout, modes, self.entropy_length, self.average_after))
        return found
