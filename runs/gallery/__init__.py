"""Ready-made runs, one per figure of the papers and more."""

from pathlib import Path

_DIRECTORY = Path(__file__).parent


def gallery_names() -> list[str]:
    """Names of the ready-made runs."""
    return sorted(path.stem for path in _DIRECTORY.glob("*.toml"))


def gallery_file(name: str) -> Path:
    """The run file of a name."""
    return _DIRECTORY / f"{name}.toml"
