"""The kinetic equation of f(r, theta) on a grid of angles: a route of its own to the equations of the harmonics.

    d_t f = - div[(v - v1 u.g) u f] + Dt lap f + kappa div(f grad c)
            + d_theta^2 [Dr (1 + b u.g) f] - alpha (1 + b u.g) f + (alpha/2 pi) int (1 + b u.g) f dtheta
            - d_theta [ (-chi g.t + omega) f ],      g = grad c,  t = (-sin, cos),
    omega(theta) = 2 sum_{m > 0} (T_m/(2 pi xi_r)) Im(Psi^nu_m exp(-i m theta)),

in two dimensions, with every derivative spectral on the full grid and every product taken point by point.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory import Model
from theory.fourier import Grid

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


@dataclass
class Kinetic:
    """All species of a model with fields (species, harmonic 0..K + 1, ny, nx) complex; chemicals adiabatic."""

    model: Model
    grid: Grid
    order: int

    def derivative(self, field: NDArray, axis: str) -> NDArray:
        k = 2.0 * np.pi * np.fft.fftfreq(self.grid.shape[::-1]["xy".index(axis)], self.grid.spacing["xy".index(axis)])
        k[k.size // 2] = 0.0
        shaped = k if axis == "x" else k[:, None]
        out = np.fft.ifft2(1j * shaped * np.fft.fft2(field))
        return out if np.iscomplexobj(field) else out.real

    def gradient(self, field: Array) -> Array:
        return np.stack([self.derivative(field, "x"), self.derivative(field, "y")])

    def filtered(self, field: Array, transform) -> Array:
        return np.fft.irfft2(transform(self.grid.wavenumber) * np.fft.rfft2(field), s=self.grid.shape)

    def speeds(self, rho: Array) -> Array:
        """Motility laws at the sensed densities and concentrations, less the mean-field loss."""
        model, out = self.model, []
        chemicals = self.concentrations(rho)
        for m, law in enumerate(model.motility.values()):
            kernels = [model.channels.kernels[model.channels.index[m, n]] for n in range(len(rho))]
            sensed = [self.filtered(one, kernel.transform) for one, kernel in zip(rho, kernels, strict=True)]
            v = law.speed(np.stack([*sensed, *chemicals]))
            for (observer, source), one in model.mean_field.items():
                if observer == m:
                    v = v - one.speed_reduction * rho[source] / model.drags[m, 0]
            out.append(v)
        return np.stack(out)

    def concentrations(self, rho: Array) -> list[Array]:
        made = np.tensordot(self.model.production, rho, axes=1)
        return [self.filtered(one, chemical.transform) for one, chemical in zip(made, self.model.chemicals, strict=True)]

    def steering(self, m: int, rho: Array) -> tuple[Array, Array, Array, Array]:
        """Sums over chemicals and sources: v1 g, b g, chi g, kappa g, each (2, ny, nx)."""
        model = self.model
        v1, b, chi, kappa = (np.zeros((2, *self.grid.shape)) for _ in range(4))
        for p, c in enumerate(self.concentrations(rho)):
            g = self.gradient(c)
            v1 += model.speed_biases[m, p] * g
            b += model.reorientation_biases[m, p] * model.persistence_times[m] * g
            chi += model.turnings[m, p] * g
        for (observer, source), one in model.mean_field.items():
            if observer == m:
                chi += one.turning * self.gradient(rho[source])
                kappa += one.repulsion / model.drags[m, 0] * self.gradient(rho[source])
        return v1, b, chi, kappa

    def spin(self, m: int, psi: ComplexArray, theta: Array) -> Array:
        """omega(theta) of species m, shape (theta, ny, nx)."""
        omega = np.zeros((theta.size, *self.grid.shape))
        for (observer, source), one in self.model.mean_field.items():
            for n, torque in enumerate(one.torque_harmonics[: self.order + 1], 1) if observer == m else ():
                wave = np.exp(-1j * n * theta)[:, None, None] * psi[source, n]
                omega += 2.0 * torque / (2.0 * np.pi * self.model.drags[m, 1]) * wave.imag
        return omega

    def close(self, psi: ComplexArray) -> None:
        """Fill in Psi_{K + 1} by the closure, written out for complex harmonics and solved point by point for all species."""
        rho, top = psi[:, 0].real, self.order + 1
        speed = self.speeds(rho)
        right, matrix = [], np.zeros((*self.grid.shape, len(psi), len(psi)))
        for m in range(len(psi)):
            motion = self.model.species[m].motion
            rate = top**2 * motion.rotational_diffusion + motion.tumble_rate
            v1, b, chi, _ = (g[0] + 1j * g[1] for g in self.steering(m, rho))
            below = psi[m, self.order - 1] if self.order > 0 else 0.0
            product = speed[m] * psi[m, self.order] - 0.5 * v1 * below
            side = -0.5 * (self.derivative(product, "x") + 1j * self.derivative(product, "y"))
            side = side - 0.5 * (top * chi + rate * b) * psi[m, self.order]
            matrix[..., m, m] += rate
            for (observer, source), one in self.model.mean_field.items():
                scale = top / (2.0 * np.pi * self.model.drags[m, 1])
                for n, torque in enumerate(one.torque_harmonics[:top], 1) if observer == m else ():
                    if n == top:
                        matrix[..., m, source] -= scale * torque * rho[m]
                    else:
                        side = side + scale * torque * psi[source, n] * psi[m, top - n]
            right.append(side)
        solved = np.linalg.solve(matrix.astype(complex), np.stack(right, axis=-1)[..., None])[..., 0]
        psi[:, top] = np.moveaxis(solved, -1, 0)

    def tendency(self, psi: ComplexArray) -> ComplexArray:
        """d_t Psi_k of all species, shape (species, 0..K, ny, nx)."""
        rho = psi[:, 0].real
        speed = self.speeds(rho)
        return np.stack([self._of_species(m, psi, speed[m], rho) for m in range(len(psi))])

    def _of_species(self, m: int, psi: ComplexArray, speed: Array, rho: Array) -> ComplexArray:
        harmonics = self.order + 2
        theta = 2.0 * np.pi * np.arange(4 * harmonics + 8) / (4 * harmonics + 8)
        k = np.arange(1, harmonics)
        f = (rho[m] + 2.0 * np.einsum("kt,kyx->tyx", np.exp(-1j * np.outer(k, theta)), psi[m, 1:]).real) / (2.0 * np.pi)
        motion = self.model.species[m].motion
        cos, sin = np.cos(theta)[:, None, None], np.sin(theta)[:, None, None]
        v1, b, chi, kappa = self.steering(m, rho)
        along = speed - (cos * v1[0] + sin * v1[1])
        rate = 1.0 + cos * b[0] + sin * b[1]
        flux = [along * f * cos - kappa[0] * f, along * f * sin - kappa[1] * f]
        out = -self.derivative(flux[0], "x") - self.derivative(flux[1], "y")
        dt = self.model.translational_diffusivities[m]
        out += dt * sum(self.derivative(self.derivative(f, axis), axis) for axis in "xy")
        out += -motion.tumble_rate * (rate * f - (rate * f).mean(axis=0))
        turn = -(-sin * chi[0] + cos * chi[1]) + self.spin(m, psi, theta)
        waves = np.exp(1j * np.outer(np.arange(self.order + 1), theta)) * (2.0 * np.pi / theta.size)
        number = np.arange(self.order + 1)[:, None, None]

        def project(values: Array) -> ComplexArray:
            return np.einsum("kt,tyx->kyx", waves, values)

        # derivatives by the angle, by parts: d_theta -> -i k under the projection
        spread = -(number**2) * project(motion.rotational_diffusion * rate * f)
        return project(out) + spread + 1j * number * project(turn * f)
