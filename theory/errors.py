"""Errors shared by all packages: each message names what is wrong, where, and the remedy."""


class InputError(ValueError):
    """What the user asked for cannot be done; the message names the quantity, its value and the allowed range."""


class NumericalFailure(ArithmeticError):
    """A calculation left the range in which its result means anything; the message names the remedy."""
