"""Compiled loops that evaluate the functions of exponential integrators."""

from typing import Any

import numba

from theory._loops import exp, multiply_add
from theory.compiling import inlined, parallel_loop

BLOCK = 4096


@inlined
def phi(z: float) -> tuple[float, float, float]:
    """phi_1, phi_2 and phi_3 of z <= 0, without a branch."""
    near = z if z > -1.0 else -1.0
    # series of phi_3: coefficients 1/(n + 3)!, n from 15 down; the next term is below 2e-17
    p = 1.5619206968586225e-16
    p = multiply_add(p, near, 2.8114572543455206e-15)
    p = multiply_add(p, near, 4.779477332387385e-14)
    p = multiply_add(p, near, 7.647163731819816e-13)
    p = multiply_add(p, near, 1.1470745597729725e-11)
    p = multiply_add(p, near, 1.6059043836821613e-10)
    p = multiply_add(p, near, 2.08767569878681e-09)
    p = multiply_add(p, near, 2.505210838544172e-08)
    p = multiply_add(p, near, 2.755731922398589e-07)
    p = multiply_add(p, near, 2.7557319223985893e-06)
    p = multiply_add(p, near, 2.48015873015873e-05)
    p = multiply_add(p, near, 1.984126984126984e-04)
    p = multiply_add(p, near, 1.388888888888889e-03)
    p = multiply_add(p, near, 8.333333333333333e-03)
    p = multiply_add(p, near, 4.1666666666666664e-02)
    p = multiply_add(p, near, 1.6666666666666666e-01)
    near2 = multiply_add(p, near, 0.5)
    near1 = multiply_add(near2, near, 1.0)
    far = z if z < -1.0 else -1.0
    far1 = (exp(far) - 1.0) / far
    far2 = (far1 - 1.0) / far
    far3 = (far2 - 0.5) / far
    is_near = z > -1.0
    return (near1 if is_near else far1, near2 if is_near else far2, p if is_near else far3)


@parallel_loop
def fill_phi(z: Any, out: Any) -> None:
    """phi_1, phi_2, phi_3 of z (n,) into out (3, n)."""
    count = z.shape[0]
    for block in numba.prange((count + BLOCK - 1) // BLOCK):
        for i in range(block * BLOCK, min((block + 1) * BLOCK, count)):
            out[0, i], out[1, i], out[2, i] = phi(z[i])
