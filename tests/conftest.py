"""Settings of every test: implicit rank promotion is an error, as warnings are (pyproject.toml)."""

from pathlib import Path

import jax
import jaxtyping
import pytest

MOST_MAPS = 25_000
"""Memory maps of a process, of 65,530 that Linux allows; a compiled program takes a few."""

jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture
def float64():
    """The float64 leg: double precision inside the test."""
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="module", autouse=True)
def few_programs():
    """Drops what is compiled before a process has mapped more of it than Linux lets it."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > MOST_MAPS:
        jax.clear_caches()


@pytest.fixture
def quick_compilation():
    """Programs are compiled without most optimisations: for tests of what they do, many and small,
    whose time would go into compiling. Numerics and speed are tested with them."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture
def no_type_checks():
    """The library as its users run it: without run-time checks of the shapes in signatures."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """One folder for all examples of the property-based file tests."""
    return tmp_path_factory.mktemp("files")
