"""What particles steer by, and how pair interactions enter the equations: chemotaxis and mean field gathered in one form."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from theory.arrays import Array
from theory.model import Model


@dataclass(frozen=True)
class Steering:
    """The fields by whose gradients particles steer: chemicals, then densities of species.

    Parameters
    ----------
    chemicals, species
        Numbers of those that any species steers by.
    speed_biases
        v1, shape (species, gradient).
    reorientation_biases
        tau0/tau1, shape (species, gradient): the reorientation rates are multiplied by 1 + (tau0/tau1) u.grad c.
    turnings
        chi, shape (species, gradient).
    repulsions
        kappa_F/xi_t, shape (species, gradient).
    """

    chemicals: tuple[int, ...]
    species: tuple[int, ...]
    speed_biases: Array
    reorientation_biases: Array
    turnings: Array
    repulsions: Array

    @classmethod
    def of(cls, model: Model) -> "Steering":
        """All gradients that appear in the model's equations."""
        biases = (model.speed_biases, model.reorientation_biases * model.persistence_times[:, None], model.turnings)
        chemicals = tuple(p for p in range(len(model.chemicals)) if any(np.any(bias[:, p]) for bias in biases))
        felt = {source for (_, source), law in model.mean_field.items() if law.turning or law.repulsion}
        species = tuple(sorted(felt))
        speed, reorientation, turning = (np.zeros((model.number_of_species, len(chemicals) + len(species))) for _ in range(3))
        repulsion = np.zeros_like(speed)
        for n, p in enumerate(chemicals):
            speed[:, n], reorientation[:, n], turning[:, n] = (bias[:, p] for bias in biases)
        for (observer, source), law in model.mean_field.items():
            if source in felt:
                n = len(chemicals) + species.index(source)
                turning[observer, n] = law.turning
                repulsion[observer, n] = law.repulsion / model.drags[observer, 0]
        return cls(chemicals, species, speed, reorientation, turning, repulsion)

    @cached_property
    def gradients(self) -> int:
        """Number of gradients."""
        return len(self.chemicals) + len(self.species)

    @cached_property
    def biases_speed(self) -> bool:
        """Whether any speed depends on the direction."""
        return bool(np.any(self.speed_biases))

    @cached_property
    def turns(self) -> bool:
        """Whether directions are changed by any gradient."""
        return bool(np.any(self.turnings) or np.any(self.reorientation_biases))

    @cached_property
    def repels(self) -> bool:
        """Whether particles are pushed by any gradient."""
        return bool(np.any(self.repulsions))


@dataclass(frozen=True)
class PairCoefficients:
    """Mean-field coefficients of pair interactions as the equations of the harmonics take them.

    Parameters
    ----------
    torques
        T_m/(2 pi xi_r), shape (observer, source, m), m = 0 first (zero).
    speed_losses
        zeta_0/xi_t, shape (observer, source).
    """

    torques: Array
    speed_losses: Array

    @classmethod
    def of(cls, model: Model, order: int) -> "PairCoefficients":
        """The coefficients up to T_{order + 1}; no equation kept holds higher ones."""
        n = model.number_of_species
        torques, losses = np.zeros((n, n, order + 2)), np.zeros((n, n))
        for (observer, source), law in model.mean_field.items():
            known = law.torque_harmonics[: order + 1]
            torques[observer, source, 1 : 1 + len(known)] = np.array(known) / (2.0 * np.pi * model.drags[observer, 1])
            losses[observer, source] = law.speed_reduction / model.drags[observer, 0]
        return cls(torques, losses)

    @cached_property
    def turn(self) -> bool:
        """Whether there is any torque."""
        return bool(np.any(self.torques))
