"""Settings of every test: implicit rank promotion is an error, as warnings are (pyproject.toml)."""

import jax
import jaxtyping
import pytest

jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture
def float64():
    """The float64 leg: double precision inside the test."""
    with jax.enable_x64(True):
        yield


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
