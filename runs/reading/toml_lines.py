"""Where each key of a TOML text stands.

:mod:`tomllib` reads values but forgets their lines. The scanner here finds the keys of the same text (bare,
quoted and dotted keys, tables, arrays of tables, inline tables, arrays) and steps over everything else. It is
deliberately more lenient than TOML: tomllib alone decides what is valid. It also bounds how deeply keys nest
(tomllib is quadratic in the length of a dotted key and recursive in arrays), and so it is run first.
"""

import re
import tomllib
from bisect import bisect_right
from typing import NoReturn

KeyPath = tuple[str | int, ...]

MAXIMUM_DEPTH = 32
MAXIMUM_KEYS = 10_000

_BLANK = re.compile(r"(?:[ \t\n]+|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'")
# up to two quotes may stand directly before the three that end a multi-line string
_LONG_STRING = re.compile(r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})|' + r"'''.*?'''(?:'{0,2})", re.DOTALL)
_PLAIN_VALUE = re.compile(r"[^,\]}#\n]*")


class LimitError(ValueError):
    """The text nests too deeply, or has too many keys, for a run file.

    Parameters
    ----------
    message
        Which limit, in words.
    line
        Where it is passed, counted from 1; also an attribute.
    """

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class _NotTomlError(ValueError):
    """The scanner met something that no TOML text has at this place."""


def find_lines(text: str) -> dict[KeyPath, int]:
    """Line of every key of a TOML text.

    Parameters
    ----------
    text
        TOML. Of a text that is not valid, the keys before the first error are found.

    Returns
    -------
    dict
        From key path, such as ``("model", "species", 0, "speed")``, to line, counted from 1. Elements of
        arrays are numbered from 0 and stand where their value begins. A table without a header of its own
        stands where it is first named.

    Raises
    ------
    LimitError
        Keys nest deeper than ``MAXIMUM_DEPTH``, or there are more than ``MAXIMUM_KEYS``.
    """
    scanner = _Scanner(text.replace("\r\n", "\n"))
    try:
        scanner.document()
    except _NotTomlError:
        # tomllib reports the error with its place; the lines found up to here still help to name the key
        return scanner.lines
    return scanner.lines


class _Scanner:
    """One pass over the text; ``position`` is the next character to read."""

    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._text = text
        self._position = 0
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._table: KeyPath = ()
        # number of elements so far of each array of tables, by path
        self._elements: dict[KeyPath, int] = {}

    @property
    def _line(self) -> int:
        return bisect_right(self._line_starts, self._position)

    def _peek(self) -> str:
        return self._text[self._position : self._position + 1]

    def _skip(self, pattern: re.Pattern[str]) -> str:
        """Step over what the pattern matches here, and return it."""
        match = pattern.match(self._text, self._position)
        if match is None:
            self._fail()
        self._position = match.end()
        return match.group()

    def _take(self, token: str) -> bool:
        """Step over the token if it stands here."""
        if not self._text.startswith(token, self._position):
            return False
        self._position += len(token)
        return True

    def _fail(self) -> NoReturn:
        raise _NotTomlError

    def _deepen(self, path: KeyPath, part: str | int) -> KeyPath:
        if len(path) == MAXIMUM_DEPTH:
            self._fail_deep()
        if len(self.lines) > MAXIMUM_KEYS:
            raise LimitError(f"more than {MAXIMUM_KEYS} keys and list elements", self._line)
        return (*path, part)

    def _fail_deep(self) -> NoReturn:
        raise LimitError(f"keys nest deeper than {MAXIMUM_DEPTH} levels", self._line)

    def document(self) -> None:
        """Scan the whole text."""
        self._skip(_BLANK)
        while self._position < len(self._text):
            if self._take("[["):
                self._header(array=True)
            elif self._take("["):
                self._header(array=False)
            else:
                self._pair(self._table)
            self._skip(_SPACE)
            if self._peek() not in ("", "\n", "#"):
                self._fail()
            self._skip(_BLANK)

    def _header(self, *, array: bool) -> None:
        """``[table]`` or ``[[array of tables]]``, after its opening brackets."""
        line, parts = self._line, self._key()
        path: KeyPath = ()
        for part in parts[:-1]:
            path = self._deepen(path, part)
            self.lines.setdefault(path, line)
            if path in self._elements:
                path = self._deepen(path, self._elements[path] - 1)
        path = self._deepen(path, parts[-1])
        if array:
            self.lines.setdefault(path, line)
            number = self._elements.get(path, 0)
            self._elements[path] = number + 1
            path = self._deepen(path, number)
        self.lines[path] = line
        self._table = path
        if not self._take("]]" if array else "]"):
            self._fail()

    def _key(self) -> list[str]:
        """The parts of a dotted key."""
        parts: list[str] = []
        while True:
            if len(parts) == MAXIMUM_DEPTH:
                self._fail_deep()
            self._skip(_SPACE)
            if self._peek() in ('"', "'"):
                parts.append(self._quoted_key())
            else:
                parts.append(self._skip(_BARE_KEY))
            self._skip(_SPACE)
            if not self._take("."):
                return parts

    def _quoted_key(self) -> str:
        quoted = self._skip(_STRING)
        try:
            return str(tomllib.loads("key = " + quoted)["key"])
        except tomllib.TOMLDecodeError:
            self._fail()

    def _pair(self, table: KeyPath) -> None:
        """``key = value``."""
        line, path = self._line, table
        for part in self._key():
            path = self._deepen(path, part)
            self.lines.setdefault(path, line)
        # of a key that is stated twice, which is not TOML, the second place is the wrong one
        self.lines[path] = line
        if not self._take("="):
            self._fail()
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        if self._take("["):
            self._array(path)
        elif self._take("{"):
            self._inline_table(path)
        elif self._text.startswith(('"""', "'''"), self._position):
            self._skip(_LONG_STRING)
        elif self._peek() in ('"', "'"):
            self._skip(_STRING)
        else:
            self._skip(_PLAIN_VALUE)

    def _array(self, path: KeyPath) -> None:
        number = 0
        self._skip(_BLANK)
        while not self._take("]"):
            element = self._deepen(path, number)
            self.lines[element] = self._line
            self._value(element)
            number += 1
            self._skip(_BLANK)
            if not self._take(",") and self._peek() != "]":
                self._fail()
            self._skip(_BLANK)

    def _inline_table(self, path: KeyPath) -> None:
        self._skip(_BLANK)
        while not self._take("}"):
            self._pair(path)
            self._skip(_BLANK)
            if not self._take(",") and self._peek() != "}":
                self._fail()
            self._skip(_BLANK)
