r"""The mean torque of pair interactions in two dimensions, term by term.

    d_t Psi^mu_k = ... + k \sum_nu \sum_{m != 0} t_m Psi^nu_m Psi^mu_{k-m},    t_m = T^{mu nu}_m/(2 pi xi_r),    t_-m = -t_m,

with Psi_m = C_m + i S_m, C_-m = C_m, S_-m = -S_m, over harmonics up to degree K + 1 ([S2] Eqs. 4, 5). The equation of the
slaved degree K + 1 holds its own degree in the term m = K + 1, t_{K+1} Psi^nu_{K+1} rho^mu, alone: that term belongs to the
closure.
"""

from collections.abc import Iterator

from fieldsolver.layout import Layout
from fieldsolver.tables import PointTerm

# place of the real or imaginary part of a harmonic, and its sign; None where it is zero
Part = tuple[int, float] | None


def torque_terms(layout: Layout, *, slaved: bool) -> Iterator[PointTerm]:
    """Terms of the equations of degree 1 to K, or of those of the slaved degree without the one that belongs to the closure."""
    if not layout.pairs.turn:
        return
    order = layout.order
    for observer in range(layout.species):
        for k in (order + 1,) if slaved else range(1, order + 1):
            for m in range(-order - 1, order + 2):
                if m == 0 or abs(k - m) > order + 1 or (slaved and m == order + 1):
                    continue
                yield from _product_terms(layout, observer, k, m)


def _product_terms(layout: Layout, observer: int, k: int, m: int) -> Iterator[PointTerm]:
    """K t_m Psi^nu_m Psi^mu_{k-m} over the sources nu, in its real and imaginary parts."""
    real, imaginary = (_target(layout, observer, k, part) for part in range(2))
    for source in range(layout.species):
        coefficient = k * layout.pairs.torques[observer, source, abs(m)] * (1.0 if m > 0 else -1.0)
        if coefficient == 0.0:
            continue
        one, other = _parts(layout, source, m), _parts(layout, observer, k - m)
        for i, first in enumerate(one):
            for j, second in enumerate(other):
                if first is None or second is None:
                    continue
                # i x i = -1
                sign = -1.0 if i == j == 1 else 1.0
                out = real if i == j else imaginary
                yield PointTerm(out, first[0], second[0], coefficient * sign * first[1] * second[1])


def _target(layout: Layout, species: int, k: int, part: int) -> int:
    function = 2 * k - 1 + part
    return layout.slaved_row(species, function) if k > layout.order else layout.source_row(species, function)


def _parts(layout: Layout, species: int, m: int) -> tuple[Part, Part]:
    """Real and imaginary part of Psi_m."""
    if m == 0:
        return (layout.kept_field(species, 0), 1.0), None
    functions = (2 * abs(m) - 1, 2 * abs(m))
    slaved = abs(m) > layout.order
    places = [layout.slaved_row(species, f) if slaved else layout.kept_field(species, f) for f in functions]
    return (places[0], 1.0), (places[1], 1.0 if m > 0 else -1.0)
