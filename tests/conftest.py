"""Settings of every test: implicit rank promotion is an error, as warnings are (pyproject.toml)."""

import gc
import os
import tempfile
from pathlib import Path

import jax
import jaxtyping
import pytest

from tests import compilation

MOST_MAPS = 35_000
"""Memory maps of a process between tests, of 65,530 that Linux allows. A small
program takes a few, a test of a designer's batches and gradients leaves 3,000."""

jax.config.update("jax_numpy_rank_promotion", "raise")


def pytest_configure(config):
    """Most of the time would go into compilation, so there is little of it.

    Programs are compiled without most optimisations where no fixture asks for them, and without
    XLA's fusion emitters, whose detour by MLIR would be much of what is left.

    One folder holds compiled programs for the whole run, in which workers, kernels of notebooks
    and other processes find what another has compiled. It goes when the run ends. JAX writes an
    entry in place: who reads it at that moment is told so, in a warning that pyproject.toml
    ignores, and compiles. Processes that are killed, or take warnings for errors, do without the
    folder (`cases.OWN_PROGRAMS`)."""
    gc.set_threshold(50_000, 20, 20)  # searched for more often, garbage slows tracing down
    if hasattr(config, "workerinput"):
        return  # inherits the variables
    folder = tempfile.TemporaryDirectory(prefix="jaxsec-programs-", ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    settings = {
        "jax_disable_most_optimizations": True,
        "jax_compilation_cache_dir": folder.name,
        "jax_persistent_cache_min_compile_time_secs": 0.1,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    for name, value in settings.items():
        os.environ[name.upper()] = str(value)
        jax.config.update(name, value)
    flags = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_use_fusion_emitters=false"


@pytest.fixture
def float64():
    """The float64 leg: double precision inside the test."""
    with jax.enable_x64(True):
        yield


@pytest.fixture(autouse=True)
def few_programs():
    """Drops what is compiled before a process has mapped more of it than Linux lets it: at the
    limit, XLA ends the process. After every test, since one module can reach it."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > MOST_MAPS:
        jax.clear_caches()


@pytest.fixture(scope="module")
def full_compilation():
    """All optimisations for a module and its fixtures: numerics and speed."""
    with compilation.fully():
        yield


@pytest.fixture
def full_compilation_here():
    """The same for one test."""
    with compilation.fully():
        yield


@pytest.fixture
def quick_compilation_here():
    """For one test of a module with all optimisations: without."""
    with compilation.quickly():
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
