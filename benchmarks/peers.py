"""The same fields in other solvers: wall time per unit of physical time at equal accuracy.

The problem: run-and-chase of two species at order 0 in two dimensions, tau = 1, Dt = 0.05, each sensing both through the
exponential kernel of range 1 (which every solver can state: s - lap s = rho), 8 cells per range, from a few long waves to t =
1.

Accuracy: the modes |n| <= 20 of both densities against those of a run with fourth order and a time step so short that it no
longer matters, on the same grid; root mean square over that of the waves themselves. Every solver shortens its time step
(py-pde, whose error is that of its finite differences, its grid spacing) until the error is below the tolerance, once with
each scheme named; then that run is timed. Setting up (compiling, planning, factorising) is not.
"""

import importlib.util
import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TOLERANCE = 1e-3
TIME = 4.0
CELLS_PER_RANGE = 8
MODES = 20
COUPLING, INHIBITION, WIDTH, DENSITY, SPREAD = 0.3, 0.5, 15.0, 50.0, 0.05
# a diffusivity that is split off, about the largest there is
REFERENCE = 0.9
# seconds from which on a run is timed once only
LONG = 20.0


def initial(cells: int, size: float) -> Array:
    """Densities (species, y, x) of a few long waves at x = i size/cells."""
    angle = 2.0 * np.pi * np.arange(cells) / cells
    x, y = angle[None, :], angle[:, None]
    waves = np.stack([np.sin(2.0 * x) + np.cos(3.0 * y), np.cos(x + 2.0 * y) - np.sin(2.0 * x)])
    return DENSITY * (1.0 + 0.1 * waves)


def low_modes(density: Array) -> NDArray[np.complex128]:
    """Modes up to MODES along both axes, per cell."""
    spectrum = np.fft.rfft2(density) / density[0].size
    rows = np.concatenate([np.arange(MODES + 1), np.arange(-MODES, 0)])
    return spectrum[:, rows, : MODES + 1]


def error(density: Array, reference: Array) -> float:
    """Root mean square difference of the low modes over that of their deviations from the mean."""
    difference, waves = low_modes(density) - low_modes(reference), low_modes(reference)
    waves[:, 0, 0] = 0.0
    return float(np.sqrt(np.sum(np.abs(difference) ** 2) / np.sum(np.abs(waves) ** 2)))


Run = Callable[[], Array]
# sets a run up from its start; to be called again for every run
Setup = Callable[[], Run]
Tries = Iterator[tuple[str, Setup]]


def twoscale(cells: int, size: float) -> Tries:
    """Ours as by default, with steps that follow the error."""
    for tolerance in (3e-3, 1e-3, 3e-4, 1e-4, 3e-5):
        yield f"sbdf2, tolerance {tolerance:g}", lambda t=tolerance: _twoscale(cells, size, tolerance=t)


def twoscale_fourth(cells: int, size: float) -> Tries:
    """Ours with fourth order and fixed steps."""
    for steps in (10, 15, 20, 30, 40, 80):
        yield f"etdrk4, {steps} steps", lambda n=steps: _twoscale(cells, size, stepper="etdrk4", time_step=TIME / n)


def _twoscale(cells: int, size: float, **options: object) -> Run:
    from fieldsolver import FieldSolver
    from theory import Model, Motion, Sensing, Species

    laws = (
        f"exp(-{INHIBITION}*tanh((A - {DENSITY})/{WIDTH}) + {COUPLING}*tanh((B - {DENSITY})/{WIDTH}))",
        f"exp(-{INHIBITION}*tanh((B - {DENSITY})/{WIDTH}) - {COUPLING}*tanh((A - {DENSITY})/{WIDTH}))",
    )
    species = [Species(name, Motion(tumble_rate=1.0), law, SPREAD) for name, law in zip("AB", laws, strict=True)]
    model = Model(2, species, sensing=Sensing("exponential", 1.0, count_self=False))
    solver = FieldSolver(model, (size, size), initial(cells, size), threads=1, **options)  # type: ignore[arg-type]

    def run() -> Array:
        solver.advance(TIME)
        return solver.density

    return run


def reference(cells: int, size: float) -> Array:
    """Fourth order with a short step."""
    return _twoscale(cells, size, stepper="etdrk4", time_step=TIME / 800)()


def exponax(cells: int, size: float) -> Tries:
    """Exponential Runge-Kutta of second order in JAX, dealiased by two thirds, compiled as a whole."""
    yield from (_exponax(cells, size, 2, steps) for steps in (20, 30, 40, 60, 80, 160, 320))


def exponax_fourth(cells: int, size: float) -> Tries:
    """The same of fourth order."""
    yield from (_exponax(cells, size, 4, steps) for steps in (10, 15, 20, 30, 40, 80))


def _exponax(cells: int, size: float, order: int, steps: int) -> tuple[str, Setup]:
    import jax

    jax.config.update("jax_enable_x64", True)

    def setup() -> Run:
        run = _Exponax(cells, size, order, steps)
        run()  # which compiles it
        return run

    return f"ETDRK{order}, {steps} steps", setup


class _Exponax:
    def __init__(self, cells: int, size: float, order: int, steps: int) -> None:
        import jax
        import jax.numpy as jnp
        from exponax import BaseStepper
        from exponax.nonlin_fun import BaseNonlinearFun

        class Feedback(BaseNonlinearFun):
            derivative: jax.Array
            kernel: jax.Array
            laplacian: jax.Array

            def __call__(self, u_hat: jax.Array) -> jax.Array:
                sensed = jnp.tanh((self.ifft(self.kernel * u_hat) - DENSITY) / WIDTH)
                cross = jnp.array([COUPLING, -COUPLING])[:, None, None] * sensed[::-1]
                speed = jnp.exp(-INHIBITION * sensed + cross)
                carried = self.fft(speed * self.ifft(u_hat))
                flux = [self.fft(0.5 * speed * self.ifft(d * carried)) for d in self.derivative]
                return sum(d * f for d, f in zip(self.derivative, flux, strict=True)) - REFERENCE * self.laplacian * u_hat

        class Chase(BaseStepper):
            def __init__(self, dt: float) -> None:
                super().__init__(2, size, cells, dt, num_channels=2, order=order)

            def _build_linear_operator(self, derivative: jax.Array) -> jax.Array:
                return (REFERENCE + SPREAD) * jnp.sum(derivative**2, axis=0, keepdims=True)

            def _build_nonlinear_fun(self, derivative: jax.Array) -> Feedback:
                laplacian = jnp.sum(derivative**2, axis=0)
                base = Feedback.__new__(Feedback)
                BaseNonlinearFun.__init__(base, 2, cells, dealiasing_fraction=2.0 / 3.0)
                for name, value in (("derivative", derivative), ("kernel", 1.0 / (1.0 - laplacian)), ("laplacian", laplacian)):
                    object.__setattr__(base, name, value)
                return base

        stepper = Chase(TIME / steps)
        start = jnp.fft.rfft2(jnp.asarray(initial(cells, size)))
        self._run = jax.jit(lambda u: jax.lax.fori_loop(0, steps, lambda _, v: stepper.step_fourier(v), u))
        self._start, self._cells = start, cells

    def __call__(self) -> Array:
        out = np.asarray(self._run(self._start))
        return np.fft.irfft2(out, s=(self._cells, self._cells))


def dedalus(cells: int, size: float) -> Tries:
    """Implicit-explicit backward differences, dealiased by two thirds; the sensed field is a variable of the problem."""
    for steps in (40, 80, 160, 320, 640):
        yield f"SBDF2, {steps} steps", lambda n=steps: _dedalus(cells, size, n)


def _dedalus(cells: int, size: float, steps: int) -> Run:
    import logging

    import dedalus.public as d3

    logging.disable(logging.CRITICAL)
    coordinates = d3.CartesianCoordinates("y", "x")
    distributor = d3.Distributor(coordinates, dtype=np.float64)
    bases = [d3.RealFourier(coordinates[c], size=cells, bounds=(0, size), dealias=3 / 2) for c in ("y", "x")]
    fields = {name: distributor.Field(name=name, bases=bases) for name in ("A", "B", "SA", "SB")}
    start = initial(cells, size)
    q = 2.0 * np.pi * np.fft.fftfreq(cells, size / cells)
    kernel = 1.0 / (1.0 + q[:, None] ** 2 + q[None, :] ** 2)
    for n, name in enumerate("AB"):
        fields[name]["g"] = start[n]
        fields[f"S{name}"]["g"] = np.fft.ifft2(kernel * np.fft.fft2(start[n])).real
    names = dict(fields)
    for own, other, sign in (("A", "B", 1.0), ("B", "A", -1.0)):
        s, o = (np.tanh((fields[f"S{n}"] - DENSITY) / WIDTH) for n in (own, other))
        names[f"v{own}"] = np.exp(-INHIBITION * s + sign * COUPLING * o)
    names |= {"D": REFERENCE, "Dt": SPREAD}
    problem = d3.IVP([fields[n] for n in ("A", "B", "SA", "SB")], namespace=names)
    for n in "AB":
        problem.add_equation(f"dt({n}) - (D + Dt)*lap({n}) = div(0.5*v{n}*grad(v{n}*{n})) - D*lap({n})")
        problem.add_equation(f"S{n} - lap(S{n}) - {n} = 0")
    solver = problem.build_solver(d3.SBDF2)

    def run() -> Array:
        for _ in range(steps):
            solver.step(TIME / steps)
        for field in fields.values():
            field.change_scales(1)
        return np.stack([fields[n]["g"] for n in "AB"])

    return run


def py_pde(cells: int, size: float) -> Tries:
    """Finite differences of second order; explicit steps as long as diffusion allows."""
    for finer in (1, 2, 4):
        grid = cells * finer
        # stable up to (size/grid)^2/(4 D) with the largest D, about 1.2
        steps = int(np.ceil(TIME * 4.8 * (grid / size) ** 2 * 1.1))
        yield f"explicit, {grid}^2 cells, {steps} steps", lambda g=grid, n=steps: _py_pde(g, size, n)


def _py_pde(cells: int, size: float, steps: int) -> Run:
    import pde

    grid = pde.CartesianGrid([[0, size]] * 2, cells, periodic=True)
    q = 2.0 * np.pi * np.fft.fftfreq(cells, size / cells)
    kernel = 1.0 / (1.0 + q[:, None] ** 2 + np.abs(q[None, : cells // 2 + 1]) ** 2)

    class Chase(pde.PDEBase):
        def evolution_rate(self, state: "pde.FieldCollection", t: float = 0.0) -> "pde.FieldCollection":
            rho = state.data
            sensed = np.tanh((np.fft.irfft2(kernel * np.fft.rfft2(rho), s=rho.shape[1:]) - DENSITY) / WIDTH)
            speed = np.exp(-INHIBITION * sensed + np.array([COUPLING, -COUPLING])[:, None, None] * sensed[::-1])
            out = []
            for n in range(2):
                gradient = pde.ScalarField(grid, speed[n] * rho[n]).gradient("periodic")
                flux = pde.VectorField(grid, 0.5 * speed[n] * gradient.data)
                flux += SPREAD * state[n].gradient("periodic")
                out.append(flux.divergence("periodic"))
            return pde.FieldCollection(out)

    # the place of a periodic grid does not matter: what it calls its first cell is x = 0 here
    state = pde.FieldCollection([pde.ScalarField(grid, one) for one in initial(cells, size)])
    options = {"t_range": TIME, "dt": TIME / steps, "solver": "euler", "backend": "numpy", "tracker": None}
    return lambda: np.asarray(Chase().solve(state, **options).data)


SOLVERS: dict[str, tuple[str, Callable[[int, float], Tries]]] = {
    "twoscale": ("fieldsolver", twoscale),
    "twoscale, 4th": ("fieldsolver", twoscale_fourth),
    "exponax": ("exponax", exponax),
    "exponax, 4th": ("exponax", exponax_fourth),
    "Dedalus": ("dedalus", dedalus),
    "py-pde": ("pde", py_pde),
}


def compare(cells: int, repeats: int = 3) -> None:
    """Print one row per solver and scheme; those that cannot be imported are named."""
    size = cells / CELLS_PER_RANGE
    exact = reference(cells, size)
    print(f"\nsame fields, {cells}^2 cells, one thread: seconds per unit of time at an error below {TOLERANCE:g}")
    print(f"{'solver':>14} {'wall':>9} {'processor':>9} {'error':>9}  how")
    for name, (module, tries) in SOLVERS.items():
        if importlib.util.find_spec(module) is None:
            print(f"{name:>14} {'-':>9} {'-':>9} {'-':>9}  not installed")
            continue
        (wall, processor), off, how = _first_accurate(tries(cells, size), exact, repeats)
        told = how if off < TOLERANCE else f"{how} (not accurate enough)"
        print(f"{name:>14} {wall / TIME:9.4f} {processor / TIME:9.4f} {off:9.1e}  {told}", flush=True)


def _first_accurate(tries: Tries, exact: Array, repeats: int) -> tuple[tuple[float, float], float, str]:
    """Wall-clock and processor seconds, error and description of the first run that is accurate enough, else of the last."""
    seconds, off, how = (np.inf, np.inf), np.inf, "nothing was tried"
    for name, setup in tries:
        how = name
        seconds, found = _timed(setup())
        off = error(found, exact)
        if off < TOLERANCE:
            # long runs are timed once
            again = [_timed(setup())[0] for _ in range(repeats if seconds[0] < LONG else 0)]
            wall, processor = (min(values) for values in zip(seconds, *again, strict=True))
            return (wall, processor), off, how
    return seconds, off, how


def _timed(run: Run) -> tuple[tuple[float, float], Array]:
    """Seconds by the clock on the wall and of all processors, and what was found."""
    wall, processor = time.perf_counter(), time.process_time()
    found = run()
    return (time.perf_counter() - wall, time.process_time() - processor), found
