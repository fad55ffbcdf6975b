r"""Effective chemical potentials u_m = log rho_m + w_m of a mixture ([S1] Eqs. 5, 16).

With translational diffusion and chemotaxis added, the flux of the hydrodynamics [S1 Eqs. 3, 4] without its noise is

    J_m = -(D_m + Dt_m) [ grad rho_m + rho_m dw_m ],          D_m = v_m^2 tau_m/d,
    dw_m = d log v_m D_m/(D_m + Dt_m) + \sum_p s_mp dc_p = (1/2) d log(v_m^2 + d Dt_m/tau_m) + \sum_p s_mp dc_p,
    s_mp = [ v1/tau + v_m/tau1 + (d - 1) chi v_m ]/(v_m^2 + d Dt_m/tau_m).

with v1, 1/tau1 and chi the responses of m to the chemical p (:class:`theory.chemistry.Chemotaxis`); turning by chi makes a
polarity -tau chi (1 - 1/d) rho grad c. Without translational diffusion w_m = log v_m, and for constant speeds s_mp is the
prefactor of [S1] Eq. 17, with 1/v0^2.

Where the speed of a species that steers depends on what it senses, s_mp varies, and dw_m need not be a differential: the part
with s_mp is then kept as coefficients of dc_p, the *steering*, and only the rest is an explicit function.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import sympy

from theory.arrays import Array
from theory.errors import InputError
from theory.expressions import symbol
from theory.model import Model


class ChemicalPotentials:
    """The excess w_m of all species, in what particles read and in homogeneous mixtures.

    Parameters
    ----------
    model
        A model without pair interactions.

    Raises
    ------
    InputError
        The model has pair forces or torques, for which no chemical potential is known, or a speed that vanishes whatever is
        sensed.
    """

    def __init__(self, model: Model) -> None:
        if model.interactions or model.mean_field:
            raise InputError("particles push or turn each other in pairs: no effective chemical potential is known for them")
        self.model = model
        self._values = {symbol(name): _exact(value) for name, value in model.parameters.items()}
        self._fields = [symbol(name) for name in (*model.names, *model.chemical_names)]
        self.densities = self._fields[: model.number_of_species]
        #: the explicit part of w_m as trees in densities and concentrations, parameters replaced by their values
        self.trees: tuple[sympy.Expr, ...] = tuple(self._explicit(m) for m in range(model.number_of_species))
        #: the varying coefficients s_mp as trees, zero where the explicit part holds them, shape (species, chemical)
        self.steering: tuple[tuple[sympy.Expr, ...], ...] = tuple(
            tuple(sympy.S.Zero if self._constant_speed(m) else one for one in self._steering(m))
            for m in range(model.number_of_species)
        )
        for name, tree in zip(model.names, self.trees, strict=True):
            if tree.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.I):
                raise InputError(f"the speed of {name} vanishes whatever it senses: it has no effective chemical potential")

    @property
    def is_explicit(self) -> bool:
        """Whether every w_m is a function of what is read, with no steering left."""
        return all(one == 0 for row in self.steering for one in row)

    def _constant_speed(self, m: int) -> bool:
        return not self._speed(m).has(*self._fields)

    def _speed(self, m: int) -> sympy.Expr:
        return self.model.motility[self.model.names[m]].expression.xreplace(self._values)

    def _extra(self, m: int) -> sympy.Expr:
        """d Dt/tau, what translational diffusion adds to v^2."""
        model = self.model
        return model.dimension * _exact(model.translational_diffusivities[m]) / _exact(model.persistence_times[m])

    def _explicit(self, m: int) -> sympy.Expr:
        extra = self._extra(m)
        law = self.model.motility[self.model.names[m]]
        tree = sympy.log(self._speed(m) ** 2 + extra) / 2 if extra else law.logarithm.xreplace(self._values)
        if self._constant_speed(m):
            chemicals = self._fields[self.model.number_of_species :]
            tree += sympy.Add(*(s * c for s, c in zip(self._steering(m), chemicals, strict=True)))
        return tree

    def _steering(self, m: int) -> list[sympy.Expr]:
        model, speed = self.model, self._speed(m)
        rate = 1 / _exact(model.persistence_times[m])
        out = []
        for p in range(len(model.chemicals)):
            along = _exact(model.speed_biases[m, p]) * rate + _exact(model.reorientation_biases[m, p]) * speed
            across = (model.dimension - 1) * _exact(model.turnings[m, p]) * speed
            out.append((along + across) / (speed**2 + self._extra(m)) if along + across != 0 else sympy.S.Zero)
        return out

    # --- in what particles read --------------------------------------------------------------------------------------

    @cached_property
    def _of_fields(self) -> list[Callable[..., Any]]:
        return [_compiled(self._fields, [tree]) for tree in self.trees]

    @cached_property
    def _gradients_of_fields(self) -> list[Callable[..., Any]]:
        none = [sympy.S.Zero] * self.model.number_of_species
        return [
            _compiled(self._fields, [sympy.diff(tree, f) + s for f, s in zip(self._fields, [*none, *steering], strict=True)])
            for tree, steering in zip(self.trees, self.steering, strict=True)
        ]

    def of_fields(self, observer: int, fields: Array) -> Array:
        """w of one species where it reads the given densities and concentrations.

        Parameters
        ----------
        observer
            Index of the species.
        fields
            Sensed densities (1/length^d), then concentrations, shape (species + chemical, ...).

        Returns
        -------
        ndarray
            Shape ``fields.shape[1:]``; not finite where the speed is not positive.

        Raises
        ------
        InputError
            The species steers with a speed that varies: its w is no function of what is read.
        """
        if any(one != 0 for one in self.steering[observer]):
            raise InputError(
                f"{self.model.names[observer]} steers by a chemical with a speed that depends on what it senses: its effective "
                "chemical potential is no function of what is sensed"
            )
        return np.asarray(self._of_fields[observer](fields)[0])

    def gradient_of_fields(self, observer: int, fields: Array) -> Array:
        """Coefficients of dw of one species in what it reads, shape as ``fields``."""
        return np.asarray(self._gradients_of_fields[observer](fields))

    # --- in homogeneous mixtures -------------------------------------------------------------------------------------

    @cached_property
    def _homogeneous(self) -> dict[sympy.Symbol, sympy.Expr]:
        """Concentrations beta rho/gamma by chemical."""
        self.model.concentrations(np.zeros(self.model.number_of_species))
        made = self.model.production
        return {
            symbol(one.name): sympy.Add(*(_exact(b) * rho for b, rho in zip(made[p], self.densities, strict=True)))
            / _exact(one.decay_rate)
            for p, one in enumerate(self.model.chemicals)
        }

    @cached_property
    def local_trees(self) -> tuple[sympy.Expr, ...]:
        """The explicit part of w_m as trees in the densities of a homogeneous mixture."""
        return tuple(tree.xreplace(self._homogeneous) for tree in self.trees)

    @cached_property
    def _local_steering(self) -> list[list[sympy.Expr]]:
        """Coefficients of d rho_n that steering adds to dw_m, shape (species, species)."""
        return [
            [
                sympy.Add(*(s.xreplace(self._homogeneous) * sympy.diff(c, rho) for s, c in zip(row, made, strict=True)))
                for rho in self.densities
            ]
            for made in [list(self._homogeneous.values())]
            for row in self.steering
        ]

    @cached_property
    def feedback_trees(self) -> list[list[sympy.Expr]]:
        """b_mn, the coefficient of d rho_n in dw_m of a homogeneous mixture, as trees; shape (species, species)."""
        return [
            [sympy.diff(tree, rho) + s for rho, s in zip(self.densities, row, strict=True)]
            for tree, row in zip(self.local_trees, self._local_steering, strict=True)
        ]

    @cached_property
    def _speeds(self) -> Callable[[Array], Array]:
        return _compiled(self.densities, [self._speed(m).xreplace(self._homogeneous) for m in range(len(self.densities))])

    @cached_property
    def _excess(self) -> Callable[[Array], Array]:
        return _compiled(self.densities, self.local_trees)

    @cached_property
    def _steered(self) -> Callable[[Array], Array]:
        return _compiled(self.densities, [one for row in self._local_steering for one in row])

    @cached_property
    def _feedback(self) -> Callable[[Array], Array]:
        return _compiled(self.densities, [one for row in self.feedback_trees for one in row])

    @cached_property
    def _curvature(self) -> Callable[[Array], Array]:
        trees = [sympy.diff(one, rho) for row in self.feedback_trees for one in row for rho in self.densities]
        return _compiled(self.densities, trees)

    def speeds(self, densities: Array) -> Array:
        """v_m in homogeneous mixtures (length/time), shape as the densities; not checked to be positive."""
        return self._speeds(densities)

    def excess(self, densities: Array) -> Array:
        """The explicit part of w_m in homogeneous mixtures, shape (species, ...), as the densities (1/length^d)."""
        return self._excess(densities)

    def steered(self, densities: Array) -> Array:
        """The part of b_mn that steering with varying speeds makes, shape (species, species, ...)."""
        n = self.model.number_of_species
        return self._steered(densities).reshape(n, n, *densities.shape[1:])

    def feedback(self, densities: Array) -> Array:
        """b_mn, the coefficient of d rho_n in dw_m (length^d), shape (species, species, ...)."""
        n = self.model.number_of_species
        return self._feedback(densities).reshape(n, n, *densities.shape[1:])

    def curvature(self, densities: Array) -> Array:
        """d b_mn/d rho_l (length^2d), shape (species, species, species, ...)."""
        n = self.model.number_of_species
        return self._curvature(densities).reshape(n, n, n, *densities.shape[1:])


def _exact(value: float) -> sympy.Rational:
    """The decimal number that a float is written as, so that symbols cancel as on paper."""
    return sympy.Rational(repr(float(value)))


def _compiled(names: Sequence[sympy.Symbol], trees: Sequence[sympy.Expr]) -> Callable[[Array], Array]:
    """The trees as one function of an array (name, ...), with values of shape (tree, ...); silent where they are singular."""
    function = sympy.lambdify(list(names), list(trees), modules="numpy", cse=True)

    def evaluate(values: Array) -> Array:
        with np.errstate(all="ignore"):
            found = function(*values)
        out = np.empty((len(found), *values.shape[1:]))
        for k, one in enumerate(found):
            out[k] = one
        return out

    return evaluate
