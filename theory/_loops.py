"""Elementary functions for compiled loops: branch-free, so that the compiler vectorises the loops that call them.

The mathematics library that numba calls is scalar: one call stops the vectorisation of a whole loop and costs 7 to 20
nanoseconds. The functions here are range reduction plus a polynomial, accurate to a few units in the last place
over the ranges stated, and give NaN for NaN. Counter-based random numbers are in the second part.
"""

import math
from typing import Any

import numba
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from theory.compiling import inlined

# pi/2, log 2 and sqrt 2 split or rounded as the range reductions below need them
_LOG2_HIGH = 6.93147180369123816490e-01
_LOG2_LOW = 1.90821492927058770002e-10
_ROUNDING_SHIFT = 6755399441055744.0  # 1.5 * 2**52: adding it leaves the nearest integer in the low bits


@intrinsic  # type: ignore[untyped-decorator]
def _float_of_bits(typing_context: Any, bits: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.uint64), generate


@intrinsic  # type: ignore[untyped-decorator]
def _bits_of_float(typing_context: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.uint64(types.float64), generate


@intrinsic  # type: ignore[untyped-decorator]
def multiply_add(typing_context: Any, one: Any, other: Any, term: Any) -> Any:
    """``one * other + term``, rounded once: one instruction, which the compiler may not form by itself."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> ir.Instruction:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


@intrinsic  # type: ignore[untyped-decorator]
def add_in_any_order(typing_context: Any, total: Any, term: Any) -> Any:
    """Sum whose order the compiler chooses, once, when it compiles: without that leave no loop of sums is vectorised."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> ir.Instruction:
        return builder.fadd(arguments[0], arguments[1], flags=("reassoc", "nsz"))

    return types.float64(types.float64, types.float64), generate


@intrinsic  # type: ignore[untyped-decorator]
def add_product_in_any_order(typing_context: Any, total: Any, one: Any, other: Any) -> Any:
    """``total + one * other`` with the leave of :func:`add_in_any_order`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> ir.Instruction:
        product = builder.fmul(arguments[1], arguments[2], flags=("contract",))
        return builder.fadd(arguments[0], product, flags=("reassoc", "nsz", "contract"))

    return types.float64(types.float64, types.float64, types.float64), generate


def _extreme(name: str) -> Any:
    @intrinsic  # type: ignore[untyped-decorator]
    def extreme(typing_context: Any, one: Any, other: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> ir.Instruction:
            double = ir.DoubleType()
            function = builder.module.declare_intrinsic(name, [double], ir.FunctionType(double, [double, double]))
            return builder.call(function, arguments)

        return types.float64(types.float64, types.float64), generate

    return extreme


# the smaller and the larger of two numbers, NaN if one is: unlike comparisons, loops over these are vectorised
smaller = _extreme("llvm.minimum")
larger = _extreme("llvm.maximum")


@inlined
def exp(x: Any) -> Any:
    """e^x, relative error below 4e-16 for |x| <= 708; arguments beyond are taken as -708 or 708."""
    x = 708.0 if x > 708.0 else x
    x = -708.0 if x < -708.0 else x
    shifted = multiply_add(x, 1.4426950408889634, _ROUNDING_SHIFT)
    power = shifted - _ROUNDING_SHIFT
    r = multiply_add(-power, _LOG2_LOW, multiply_add(-power, _LOG2_HIGH, x))
    # Taylor series to r^13, |r| <= log(2)/2, next term below 2e-17; terms in pairs, so that few wait for each other
    s = r * r
    a1 = multiply_add(r, 1.6666666666666666e-01, 0.5)
    a2 = multiply_add(r, 8.333333333333333e-03, 4.1666666666666664e-02)
    a3 = multiply_add(r, 1.984126984126984e-04, 1.388888888888889e-03)
    a4 = multiply_add(r, 2.7557319223985893e-06, 2.48015873015873e-05)
    a5 = multiply_add(r, 2.505210838544172e-08, 2.755731922398589e-07)
    a6 = multiply_add(r, 1.6059043836821613e-10, 2.08767569878681e-09)
    b1, b2, b3 = multiply_add(s, a2, a1), multiply_add(s, a4, a3), multiply_add(s, a6, a5)
    p = 1.0 + multiply_add(s, multiply_add(s * s, multiply_add(s * s, b3, b2), b1), r)
    exponent = (_bits_of_float(shifted) + numba.uint64(1023)) << numba.uint64(52)
    return p * _float_of_bits(exponent)


@inlined
def short_exp2(x: Any) -> Any:
    """2^x, relative error below 5e-11 for -1000 <= x <= 1000, at half of the cost of :func:`exp`."""
    shifted = x + _ROUNDING_SHIFT
    r = x - (shifted - _ROUNDING_SHIFT)
    # of the polynomials of this degree the one of least relative error for |r| <= 1/2 (Remez)
    p = 1.5201922485094665e-05
    p = multiply_add(p, r, 1.5469291179476437e-04)
    p = multiply_add(p, r, 1.3333922562634405e-03)
    p = multiply_add(p, r, 9.618027253552736e-03)
    p = multiply_add(p, r, 5.550410353450386e-02)
    p = multiply_add(p, r, 2.402265119815839e-01)
    p = multiply_add(p, r, 6.931471807284477e-01)
    p = multiply_add(p, r, 9.99999999961684e-01)
    return p * _float_of_bits((_bits_of_float(shifted) + numba.uint64(1023)) << numba.uint64(52))


@inlined
def tanh(x: Any) -> Any:
    """Hyperbolic tangent, absolute error below 4e-16."""
    decay = exp(-2.0 * abs(x))
    # 1 - decay loses relative, not absolute, accuracy near x = 0; motility laws need the latter
    magnitude = (1.0 - decay) / (1.0 + decay)
    return -magnitude if x < 0.0 else magnitude


@inlined
def log(x: Any) -> Any:
    """Natural logarithm, relative error below 1e-15, for positive normal numbers."""
    bits = _bits_of_float(x)
    # exponent and mantissa so that the mantissa lies in [sqrt(1/2), sqrt(2))
    offset = bits - numba.uint64(0x3FE6A09E667F3BCD)
    exponent = numba.float64(numba.int64(offset) >> numba.int64(52))
    mantissa = _float_of_bits((offset & numba.uint64(0x000FFFFFFFFFFFFF)) + numba.uint64(0x3FE6A09E667F3BCD))
    f = mantissa - 1.0
    s = f / (2.0 + f)
    z = s * s
    # 2 atanh(s) = 2 s (1 + z/3 + z^2/5 + ...); z <= 0.0295
    p = 1.0 / 21.0
    p = multiply_add(p, z, 1.0 / 19.0)
    p = multiply_add(p, z, 1.0 / 17.0)
    p = multiply_add(p, z, 1.0 / 15.0)
    p = multiply_add(p, z, 1.0 / 13.0)
    p = multiply_add(p, z, 1.0 / 11.0)
    p = multiply_add(p, z, 1.0 / 9.0)
    p = multiply_add(p, z, 1.0 / 7.0)
    p = multiply_add(p, z, 1.0 / 5.0)
    p = multiply_add(p, z, 1.0 / 3.0)
    low = multiply_add(2.0 * s * z, p, exponent * _LOG2_LOW)
    return multiply_add(exponent, _LOG2_HIGH, multiply_add(2.0, s, low))


@inlined
def sine_cosine_of_turns(turns: float) -> tuple[float, float]:
    """sin(2 pi t) and cos(2 pi t), absolute error below 4e-16 for |t| < 1e6."""
    shifted = multiply_add(turns, 4.0, _ROUNDING_SHIFT)
    quadrant = _bits_of_float(shifted) & numba.uint64(3)
    x = multiply_add(-0.25, shifted - _ROUNDING_SHIFT, turns) * 6.283185307179586
    z = x * x
    sine = -7.647163731819816e-13
    sine = multiply_add(sine, z, 1.605904383682161e-10)
    sine = multiply_add(sine, z, -2.505210838544172e-08)
    sine = multiply_add(sine, z, 2.7557319223985893e-06)
    sine = multiply_add(sine, z, -1.984126984126984e-04)
    sine = multiply_add(sine, z, 8.333333333333333e-03)
    sine = multiply_add(sine, z, -1.6666666666666666e-01)
    sine = multiply_add(x * z, sine, x)
    cosine = 4.779477332387385e-14
    cosine = multiply_add(cosine, z, -1.1470745597729725e-11)
    cosine = multiply_add(cosine, z, 2.08767569878681e-09)
    cosine = multiply_add(cosine, z, -2.755731922398589e-07)
    cosine = multiply_add(cosine, z, 2.48015873015873e-05)
    cosine = multiply_add(cosine, z, -1.388888888888889e-03)
    cosine = multiply_add(cosine, z, 4.1666666666666664e-02)
    cosine = multiply_add(z * z, cosine, multiply_add(-0.5, z, 1.0))
    swapped = (quadrant & numba.uint64(1)) == numba.uint64(1)
    s = cosine if swapped else sine
    c = sine if swapped else cosine
    s = -s if quadrant >= numba.uint64(2) else s
    c = -c if (quadrant == numba.uint64(1)) or (quadrant == numba.uint64(2)) else c
    return s, c


@inlined
def _rotate(word: Any, distance: Any) -> Any:
    return (word << distance) | (word >> (numba.uint64(64) - distance))


@inlined
def random_bits(seed: Any, stream: Any, index: Any, step: Any) -> tuple[Any, Any]:
    """Two independent 64-bit words: threefry 2x64 with 13 rounds, key (seed, stream), counter (index, step).

    A pure function: any thread may ask for any number, and a restart needs no generator state. The seed is part of the
    key: runs whose counters were merely shifted by the seed would share numbers.

    References
    ----------
    Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC11 (2011), doi 10.1145/2063384.2063405.
    """
    u = numba.uint64
    key0, key1 = u(seed), u(stream)
    key2 = u(0x1BD11BDAA9FC1A22) ^ key0 ^ key1
    a, b = u(index) + key0, u(step) + key1
    # rotation distances of threefry 2x64; a key injection after every fourth round
    a = a + b
    b = _rotate(b, u(16)) ^ a
    a = a + b
    b = _rotate(b, u(42)) ^ a
    a = a + b
    b = _rotate(b, u(12)) ^ a
    a = a + b
    b = _rotate(b, u(31)) ^ a
    a = a + key1
    b = b + key2 + u(1)
    a = a + b
    b = _rotate(b, u(16)) ^ a
    a = a + b
    b = _rotate(b, u(32)) ^ a
    a = a + b
    b = _rotate(b, u(24)) ^ a
    a = a + b
    b = _rotate(b, u(21)) ^ a
    a = a + key2
    b = b + key0 + u(2)
    a = a + b
    b = _rotate(b, u(16)) ^ a
    a = a + b
    b = _rotate(b, u(42)) ^ a
    a = a + b
    b = _rotate(b, u(12)) ^ a
    a = a + b
    b = _rotate(b, u(31)) ^ a
    a = a + key0
    b = b + key1 + u(3)
    a = a + b
    b = _rotate(b, u(16)) ^ a
    return a, b


@inlined
def uniform(bits: Any) -> Any:
    """A number uniform in (0, 1), never 0 nor 1, from the upper 52 bits of a word."""
    # set the exponent so that the value lies in [1, 2), then shift to the centre of its cell
    mantissa = (bits >> numba.uint64(12)) | numba.uint64(0x3FF0000000000000)
    return _float_of_bits(mantissa) - (1.0 - 1.1102230246251565e-16)


@inlined
def normal_pair(first: Any, second: Any) -> tuple[float, float]:
    """Two independent standard normal numbers from two words (Box and Muller 1958)."""
    radius = math.sqrt(-2.0 * log(uniform(first)))
    sine, cosine = sine_cosine_of_turns(uniform(second))
    return radius * cosine, radius * sine
