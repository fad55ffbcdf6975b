"""Generated modules: imported from a per-user cache, where numba keeps the machine code beside them.

A module is stored under the hash of its text; where nothing can be written it lives in memory.
"""

import hashlib
import importlib.abc
import importlib.util
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, ModuleType

_log = logging.getLogger("twoscale")


def cache_directory() -> Path:
    """Per-user directory of generated modules: ``TWOSCALE_CACHE``, else ``XDG_CACHE_HOME/twoscale``, else ~/.cache/twoscale."""
    if chosen := os.environ.get("TWOSCALE_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "twoscale"


class _MemoryLoader(importlib.abc.InspectLoader):
    """Imports a module from its text, for machines on which no cache can be written."""

    def __init__(self, source: str) -> None:
        self._source = source

    def get_source(self, fullname: str) -> str:
        return self._source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, f"<{fullname}>", "exec")


def _written(path: Path, source: str) -> bool:
    """Whether the file holds exactly this text, after writing it if need be."""
    try:
        if path.is_file() and path.read_text(encoding="utf8") == source:
            return True
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(source, encoding="utf8")
        os.replace(temporary, path)
    except OSError as error:
        _log.info("compiled laws are kept in memory: %s", error)
        return False
    return True


def load(source: str, *, in_memory: bool = False) -> ModuleType:
    """Import the generated module, from the cache where possible; one module object per text and process."""
    name = "twoscale_law_" + hashlib.sha256(source.encode()).hexdigest()[:24]
    if name in sys.modules and not in_memory:
        return sys.modules[name]
    path = cache_directory() / f"{name}.py"
    if not in_memory and _written(path, source):
        spec = importlib.util.spec_from_file_location(name, path)
    else:
        spec = importlib.util.spec_from_loader(name, _MemoryLoader(source))
    if spec is None or spec.loader is None:
        raise ImportError(f"the generated module {name} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _forget_machine_code(module: ModuleType) -> None:
    """Remove what numba has stored for a generated module."""
    for file in (cache_directory() / "__pycache__").glob(f"{module.__name__}.*.nb[ic]"):
        file.unlink(missing_ok=True)


def working_module(source: str, trial: Callable[[ModuleType], None]) -> ModuleType:
    """Import a generated module and try it, which compiles it or loads its stored machine code.

    Parameters
    ----------
    source
        The module's text.
    trial
        Calls the module's loops with the types of arguments that they will get.
    """
    module = load(source)
    try:
        trial(module)
    except Exception as error:
        # numba unpickles its stored machine code, and a damaged pickle may raise anything. If the cause was another one, the
        # compilation without the cache raises it again.
        _log.warning("the stored machine code of a law is damaged (%s); compiling it anew", error)
        _forget_machine_code(module)
        module = load(source, in_memory=True)
        trial(module)
    return module
