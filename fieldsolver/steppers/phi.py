r"""The functions of exponential integrators, and the weights that are made of them.

    phi_1(z) = (e^z - 1)/z,    phi_{n+1}(z) = (phi_n(z) - 1/n!)/z.

The differences lose all digits near z = 0. For |z| < 1 the series of phi_3 is summed and the others follow by the recurrence
upwards, for larger |z| downwards: both ways are stable there.

References
----------
Hochbruck and Ostermann, Acta Numerica 19, 209 (2010), section 2; Kassam and Trefethen, SIAM J. Sci.
Comput. 26, 1214 (2005), for the cancellation.
"""

import numpy as np
from numpy.typing import ArrayLike

from fieldsolver.steppers import _phi_loops
from theory.arrays import Array


def phi_functions(z: ArrayLike) -> tuple[Array, Array, Array]:
    """phi_1, phi_2 and phi_3.

    Parameters
    ----------
    z
        Real numbers, at most 0, any shape.

    Returns
    -------
    tuple of ndarray
        Each of the shape of ``z``; relative error below 1e-14.
    """
    values = np.ascontiguousarray(z, dtype=np.float64)
    out = np.empty((3, values.size))
    _phi_loops.fill_phi(values.reshape(-1), out)
    one, two, three = out.reshape(3, *values.shape)
    return one, two, three
