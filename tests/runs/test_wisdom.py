"""FFTW's memory of its plans: kept for later runs, and never replaced by what another process measured."""

import logging
from pathlib import Path

import pytest

import runs.engines
from runs.engines import build_engine
from runs.runfile import RunSpecification, parse
from runs.wisdom import keep_wisdom, recall_wisdom
from tests.runs.small_runs import MIXTURE
from theory.fourier import forget, learn, wisdom


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TWOSCALE_CACHE", str(tmp_path))
    return tmp_path


def mixture() -> RunSpecification:
    return parse(MIXTURE, overrides=["fields.grid=[18, 30]", "particles.mesh_spacing=0.2"])


def kept(cache: Path) -> Path:
    (file,) = cache.glob("fftw-*.wisdom")
    return file


def same(one: bytes, other: bytes) -> bool:
    """Whether two exports hold the same, in whatever order."""
    return set(one.splitlines()) == set(other.splitlines())


def test_a_cache_that_cannot_be_written_is_done_without(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (cache / "file").touch()
    monkeypatch.setenv("TWOSCALE_CACHE", str(cache / "file/cache"))
    with caplog.at_level(logging.INFO, logger="twoscale"):
        assert keep_wisdom(recall_wisdom())
    assert any("plans are not kept" in text for text in caplog.messages)


def test_plans_are_kept_for_later_runs(cache: Path) -> None:
    for scale in ("fields", "particles"):
        build_engine(mixture(), scale)  # type: ignore[arg-type]
        assert same(kept(cache).read_bytes(), wisdom())
    stored = kept(cache).read_bytes()
    forget()
    build_engine(mixture(), "fields")
    assert same(wisdom(), stored)
    assert kept(cache).read_bytes() == stored


def test_damaged_wisdom_is_told_and_replaced(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    build_engine(mixture(), "fields")
    good = kept(cache).read_bytes()
    kept(cache).write_bytes(b"(not wisdom")
    with caplog.at_level(logging.WARNING, logger="twoscale"):
        known = recall_wisdom()
    assert any("planning anew" in text for text in caplog.messages)
    assert learn(good)
    assert keep_wisdom(known)
    assert same(kept(cache).read_bytes(), good)


def test_plans_of_another_process_are_not_replaced(cache: Path) -> None:
    known = recall_wisdom()
    build_engine(mixture(), "fields")
    stored = kept(cache).read_bytes()
    assert not keep_wisdom(known)
    assert kept(cache).read_bytes() == stored


def test_an_engine_is_built_again_with_the_plans_of_another_process(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process stores what it knows while this one plans: in the end both know the same."""
    build_engine(mixture(), "fields")
    file = kept(cache)
    other = file.read_bytes()
    file.unlink()
    build, built = runs.engines._build_fields, []

    def build_beside_another(*arguments: object) -> object:
        built.append(build(*arguments))  # type: ignore[arg-type]
        if len(built) == 1:
            file.write_bytes(other)
        return built[-1]

    monkeypatch.setattr(runs.engines, "_build_fields", build_beside_another)
    assert build_engine(mixture(), "fields") is built[1]
    assert kept(cache).read_bytes() == other
    assert same(wisdom(), other)
