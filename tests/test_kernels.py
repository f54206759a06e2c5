"""The attributes of calls in `batched.kernels`, which XLA does not document, have their effect.

Because of them `pyproject.toml` bounds JAX from above: where a newer JAX fails here, look at the
speed and the memory of `opt` before that bound is raised.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec.precoding.batched import kernels

X = np.linspace(0.0, 1.0, 8, dtype=np.float32)
Y = np.linspace(0.0, 1.0, 16, dtype=np.float32)


def wave(x):
    return jnp.sin(x) * x


def waves(x, y):
    """Loops of two lengths, which XLA does not join."""
    return wave(x), wave(y)


def num_kernels(fn, args, folder, single=False):
    """Functions called by the runtime that XLA compiles `fn` to."""

    def traced(*args):
        with kernels.single_kernels(single):
            return fn(*args)

    compiled = jax.jit(traced, compiler_options={"xla_dump_to": str(folder)})
    for found, wanted in zip(
        jax.tree.leaves(compiled(*args)), jax.tree.leaves(fn(*args)), strict=True
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
    code = "".join(path.read_text() for path in folder.glob("*.ir-no-opt.ll"))
    return code.count("\ndefine ptr @")


@pytest.mark.parametrize(("single", "count"), [(False, 2), (True, 1)])
def test_a_step_is_one_kernel_where_that_is_wanted(tmp_path, single, count):
    assert num_kernels(kernels.one_kernel(waves), (X, Y), tmp_path, single) == count


@pytest.mark.parametrize(("inner", "count"), [(wave, 1), (kernels.no_inline(wave), 2)])
def test_a_boundary_is_not_fused_across(tmp_path, inner, count):
    assert num_kernels(lambda x: wave(inner(x)), (X,), tmp_path) == count
