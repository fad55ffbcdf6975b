"""How particles move on their own: the laws of their directions ([S1] Eq. 1, [S2] Eq. 3b)."""

from dataclasses import dataclass

import numpy as np

from theory.errors import InputError


@dataclass(frozen=True)
class Motion:
    """How a particle's direction forgets itself.

    Parameters
    ----------
    tumble_rate
        alpha (1/time): complete random reorientations (run-and-tumble particles).
    rotational_diffusion
        Dr (1/time): diffusion of the direction (active Brownian particles). Both rates may be non-zero.
    aoup
        The self-propulsion is an Ornstein-Uhlenbeck vector with <|u|^2> = 1 and the persistence time of the rates.
    persistence_time
        Only with ``aoup``: the correlation time (time), in place of the rates.

    Raises
    ------
    InputError
        A rate is negative or not finite, all are zero, or ``persistence_time`` is given without ``aoup``.
    """

    tumble_rate: float = 0.0
    rotational_diffusion: float = 0.0
    aoup: bool = False
    persistence_time: float | None = None

    def __post_init__(self) -> None:
        for name in ("tumble_rate", "rotational_diffusion"):
            rate = getattr(self, name)
            if not (np.isfinite(rate) and rate >= 0.0):
                raise InputError(f"{name} is {rate}; it must be finite and not negative")
        if self.persistence_time is None:
            if self.tumble_rate == 0.0 and self.rotational_diffusion == 0.0:
                raise InputError("a motion needs a tumble_rate or a rotational_diffusion above zero")
            return
        if not self.aoup:
            raise InputError("persistence_time belongs to aoup = true; otherwise give tumble_rate or rotational_diffusion")
        if self.tumble_rate != 0.0 or self.rotational_diffusion != 0.0:
            raise InputError("give either persistence_time or the rates, not both")
        if not (np.isfinite(self.persistence_time) and self.persistence_time > 0.0):
            raise InputError(f"persistence_time is {self.persistence_time}; it must be positive and finite")

    def time(self, dimension: int) -> float:
        """Persistence time tau, 1/tau = alpha + (d - 1) Dr ([S1], below Eq. 1).

        Raises
        ------
        InputError
            Only rotational diffusion in one dimension, where a direction cannot diffuse.
        """
        if self.persistence_time is not None:
            return self.persistence_time
        rate = self.tumble_rate + (dimension - 1) * self.rotational_diffusion
        if rate == 0.0:
            raise InputError("in one dimension a direction cannot diffuse; give a tumble_rate")
        return 1.0 / rate

    def decay_rate(self, dimension: int, level: int) -> float:
        """r_l, the rate (1/time) at which the directions of free particles forget their harmonic l.

        Raises
        ------
        InputError
            A harmonic beyond the first of an Ornstein-Uhlenbeck vector, which is no unit direction.
        """
        if level == 0:
            return 0.0
        if level == 1:
            return 1.0 / self.time(dimension)
        if self.aoup:
            raise InputError("Ornstein-Uhlenbeck particles have no unit direction, and no angular harmonics: use order 0")
        return level * (level + dimension - 2) * self.rotational_diffusion + self.tumble_rate

    def __str__(self) -> str:
        if self.persistence_time is not None:
            return f"Ornstein-Uhlenbeck, persistence time {self.persistence_time:g}"
        rates = []
        if self.tumble_rate:
            rates.append(f"tumble rate {self.tumble_rate:g}")
        if self.rotational_diffusion:
            rates.append(f"rotational diffusion {self.rotational_diffusion:g}")
        return ("Ornstein-Uhlenbeck, " if self.aoup else "") + ", ".join(rates)
