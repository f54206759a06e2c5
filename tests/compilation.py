"""How programs are compiled: quickly, as in most tests (`conftest.pytest_configure`), or fully."""

import contextlib
from collections.abc import Iterator

import jax
import pytest
from jax._src import compiler

QUICK = "jax_disable_most_optimizations"


@contextlib.contextmanager
def fully() -> Iterator[None]:
    """With all optimisations, as users run it. What was compiled without them is dropped."""
    from jaxsec.precoding.batched.programs import PROGRAMS  # after jaxtyping's hook

    get_compile_options = compiler.get_compile_options

    def options(*args, env_options_overrides=None, **kwargs):
        overrides = {"xla_cpu_use_fusion_emitters": not jax.config.read(QUICK)}
        overrides |= env_options_overrides or {}
        return get_compile_options(*args, env_options_overrides=overrides, **kwargs)

    PROGRAMS.clear()
    jax.clear_caches()
    with pytest.MonkeyPatch.context() as patch:
        # No setting of JAX's reaches every program of a process and can be taken back.
        patch.setattr(compiler, "get_compile_options", options)
        with _setting(False):
            yield


def quickly() -> contextlib.AbstractContextManager[None]:
    """Without most optimisations, in a test that is compiled with them."""
    return _setting(True)


@contextlib.contextmanager
def _setting(quick: bool) -> Iterator[None]:
    before = jax.config.read(QUICK)
    jax.config.update(QUICK, quick)
    try:
        yield
    finally:
        jax.config.update(QUICK, before)
