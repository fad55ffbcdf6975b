"""Structure factors measured on the way: what frames of both scales show of them."""

from collections.abc import Mapping

from theory.frames import Variable
from theory.observables import Shells
from theory.recording import SampledSums, Seen


class RecordedSpectra(SampledSums[Seen]):
    """S_ab(q) = Re <rho_a,q rho_b,q^*>/volume in shells of |q|; a subclass says what a sample adds to ``sums``.

    Parameters
    ----------
    names
        Species.
    shells
        The shells.
    dimension
        Of space.
    further
        Shapes of other sums, by name.
    """

    name = "structure_factors"

    def __init__(
        self, names: tuple[str, ...], shells: Shells, dimension: int, further: Mapping[str, tuple[int, ...]] | None = None
    ) -> None:
        self._names, self._shells, self._dimension = names, shells, dimension
        self._pairs = [(a, b) for a in range(len(names)) for b in range(a, len(names))]
        super().__init__({"sums": (len(self._pairs), shells.counts.size), **(further or {})})

    def variables(self, seen: Seen) -> Mapping[str, Variable]:
        """``structure_factor_<A><B>`` (wavenumber) of every pair."""
        found = {}
        for (a, b), spectrum in zip(self._pairs, self._mean("sums"), strict=True):
            words = f"structure factor of {self._names[a]} and {self._names[b]}, mean since the last frame"
            units = f"1/length^{self._dimension}"
            found[f"structure_factor_{self._names[a]}{self._names[b]}"] = Variable(spectrum, ("wavenumber",), units, words)
        return found

    def coordinates(self) -> Mapping[str, Variable]:
        """Mean wavenumbers of the shells."""
        words = "mean wavenumber of the shell"
        return {"wavenumber": Variable(self._shells.wavenumbers, ("wavenumber",), "1/length", words)}
