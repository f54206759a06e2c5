"""Batched algebra: short and long forms against NumPy; bases; programs whose size stays bounded."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec.precoding import gpip, linear
from jaxsec.precoding.batched import algebra, basis, elimination
from jaxsec.precoding.batched.algebra import MAX_LOOPED, MAX_UNROLLED
from jaxsec.precoding.batched.basis import MAX_VECTORS
from jaxsec.precoding.batched.programs import PROGRAMS
from tests import cases

B = 3
LENGTHS = (1, 3, MAX_UNROLLED + 2, MAX_LOOPED + 4)
"""Of sums: written out, looped, and as matrix products."""
PRECISIONS = (False, True)
"""Whether double."""


def draw(seed, *shape):
    """A random complex array, batch last, in NumPy and in force."""
    x = cases.gaussian(np.random.default_rng(seed), shape)
    return x, in_force(x)


def in_force(x):
    return algebra.SplitComplex(cases.in_force(x.real), cases.in_force(x.imag))


def joined(x):
    return np.asarray(x.re) + 1j * np.asarray(x.im)


def tolerance(wide):
    return {"rtol": 1e-11, "atol": 1e-11} if wide else {"rtol": 1e-4, "atol": 1e-4}


@pytest.mark.parametrize("wide", PRECISIONS)
@pytest.mark.parametrize("length", LENGTHS)
def test_sums_of_any_length_agree_with_numpy(length, wide):
    with jax.enable_x64(wide):
        h, h_split = draw(0, length, 2, B)
        c, c_split = draw(1, length, 3, B)
        weight = np.random.default_rng(2).uniform(size=(length, B))
        power = np.abs(h) ** 2
        across = np.swapaxes(h, 0, 1)

        @jax.jit
        def both(h, c, weight):
            power = h.abs2()
            return (
                algebra.combine(h, c),
                algebra.hermitian_product(algebra.transpose(h), c),
                algebra.weighted_gram(h, weight, jnp.ones_like(weight[0])),
                algebra.sum_first(power),
                algebra.sum_second(jnp.swapaxes(power, 0, 1)),
                algebra.max_first(power),
                algebra.sum_others(jnp.swapaxes(power, 0, 1), power[0]),
            )

        found = both(h_split, c_split, cases.in_force(weight))
        own = np.eye(length, dtype=bool)[None, :, :, None]
        others = np.sum(np.where(own, 0.0, np.abs(across[:, None]) ** 2), axis=2)
        wanted = (
            np.einsum("rdb,rnb->dnb", h, c),
            np.einsum("rdb,dnb->rnb", across.conj(), c),
            np.einsum("rb,rdb,reb->deb", weight, h, h.conj()) + np.eye(2)[..., None],
            power.sum(axis=0),
            power.sum(axis=0),
            power.max(axis=0),
            others + power[0][:, None],
        )
        for got, want in zip(found, wanted, strict=True):
            got = joined(got) if isinstance(got, algebra.SplitComplex) else got
            np.testing.assert_allclose(got, want, **tolerance(wide))


@pytest.mark.parametrize("count", [1, 4, MAX_UNROLLED + 1])
def test_diagonal_of_any_length(count):
    x = np.random.default_rng(0).standard_normal((count + 2, count + 1, B)).astype(np.float32)
    found = jax.jit(algebra.diagonal, static_argnums=1)(x, count)
    np.testing.assert_array_equal(found, np.array([x[k, k] for k in range(count)]))


@pytest.mark.parametrize("wide", PRECISIONS)
@pytest.mark.parametrize("size", [1, 5, MAX_UNROLLED + 3])
def test_systems_of_any_size_agree_with_numpy(size, wide):
    with jax.enable_x64(wide):
        root, _ = draw(0, B, size, size)
        b, _ = draw(1, B, size, 2)
        a = root @ root.conj().swapaxes(1, 2) + np.eye(size)
        ridge = cases.in_force(np.ones(B))
        last = (in_force(np.moveaxis(x, 0, -1)) for x in (a, b))
        found = joined(jax.jit(elimination.solve_hermitian)(*last, ridge))
        wanted = np.moveaxis(np.linalg.solve(a, b), 0, -1)
        np.testing.assert_allclose(found, wanted, **tolerance(wide))


@pytest.mark.parametrize("wide", PRECISIONS)
@pytest.mark.parametrize(("count", "m"), [(5, 6), (MAX_VECTORS + 3, 40), (MAX_VECTORS + 1, 4)])
def test_basis_spans_its_vectors(count, m, wide):
    """Of unit length or zero: vectors that are zero, or depend on others, add nothing."""
    with jax.enable_x64(wide):
        h, _ = draw(0, count, m, B)
        h[1, :, 0], h[2, :, 1], h[3, :, 2] = 0.0, 2j * h[0, :, 1], h[0, :, 2] + h[1, :, 2]
        q, g = jax.jit(basis.orthonormal_basis)(in_force(h))
        q, g = joined(q), joined(g)
        gram = np.einsum("rmb,smb->brs", q.conj(), q)
        ranks = np.array([np.linalg.matrix_rank(h[..., b]) for b in range(B)])
        kept = np.einsum("brr->br", gram).real
        np.testing.assert_allclose(kept.sum(axis=1), ranks, atol=1e-5)
        diagonal = kept[:, :, None] * np.eye(count)
        np.testing.assert_allclose(gram, diagonal, **tolerance(wide))
        np.testing.assert_allclose(np.einsum("rsb,smb->rmb", g, q), h, **tolerance(wide))


@pytest.mark.parametrize("wide", PRECISIONS)
@pytest.mark.parametrize(("k", "m"), [(2, 5), (5, 64), (3, 3)])
def test_null_space_is_orthonormal_and_unheard(k, m, wide):
    """Also of users that depend on one another, are zero, or point along the first antenna."""
    with jax.enable_x64(wide):
        h, _ = draw(0, k, m, 5)
        h[0, :, 0] = 0.0
        h[1, :, 1] = (2 - 1j) * h[0, :, 1]
        h[:, :, 2] = h[:1, :, 2]
        h[:, :, 3] = 0.0
        h[0, :, 4] = np.eye(m)[0]
        h *= 1e3
        v = joined(jax.jit(basis.null_space)(in_force(h)))
        assert v.shape == (m, m - k, 5)
        gram = np.einsum("mib,mjb->bij", v.conj(), v)
        np.testing.assert_allclose(
            gram, np.broadcast_to(np.eye(m - k), gram.shape), **tolerance(wide)
        )
        heard = np.einsum("kmb,mjb->kjb", h.conj(), v)
        assert np.abs(heard).max(initial=0.0) < 1e3 * np.sqrt(m) * (1e-12 if wide else 1e-5)


def instructions(fn, m, k, l):
    """Lines of the program that the compiler is given."""
    user = jax.ShapeDtypeStruct((4, k, m), jnp.complex64)
    eve = jax.ShapeDtypeStruct((4, l, m), jnp.complex64)
    noise = jax.ShapeDtypeStruct((4,), jnp.float32)
    return jax.jit(fn).lower(user, eve, noise).as_text().count("\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    "method",
    [lambda *channels: gpip.opt(*channels).strategy, linear.rzf_ns],
    ids=["opt", "rzf-ns"],
)
def test_programs_do_not_grow_with_the_antennas_nor_much_with_the_users(method, no_type_checks):
    small, large = instructions(method, 64, 4, 4), instructions(method, 256, 4, 4)
    assert abs(large - small) <= 0.02 * small
    assert instructions(method, 256, 16, 16) <= 1.5 * instructions(method, 64, 8, 8)
    assert instructions(method, 256, 16, 16) <= 2 * small


@pytest.mark.long
@pytest.mark.parametrize("count", [MAX_UNROLLED + 3])
def test_gradients_of_loops_agree_with_finite_differences(count, float64):
    """Elimination, Gram–Schmidt and reflections, each in its long form."""
    _, split = draw(0, count, MAX_LOOPED + 8, B)
    ones = jnp.ones(B)

    @jax.jit
    def value(scale):
        moved = algebra.SplitComplex(split.re.at[0].multiply(scale), split.im + scale)
        q, g = basis.orthonormal_basis(moved)
        gram = algebra.weighted_gram(algebra.transpose(moved), jnp.ones_like(moved.re[0]), ones)
        solved = elimination.solve_hermitian(gram, g, ones)
        parts = (q, solved, basis.null_space(moved))
        return sum(jnp.sum(jnp.sin(part.re)) for part in parts)

    step = 1e-5
    expected = (value(1.0 + step) - value(1.0 - step)) / (2 * step)
    np.testing.assert_allclose(jax.grad(value)(1.0), expected, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("zero", [True, False])
def test_gradients_of_loops_are_finite_where_vectors_depend(zero):
    x, _ = draw(0, MAX_UNROLLED + 3, MAX_LOOPED + 8, B)
    x[0] = 0.0 if zero else x[1]
    assert np.isfinite(slope_of_scale(np.float32(1.0), in_force(x)))


@jax.jit
@jax.grad
def slope_of_scale(scale, split):
    moved = split.scale(scale)
    q, g = basis.orthonormal_basis(moved)
    return sum(jnp.sum(part.re) for part in (q, g, basis.null_space(moved)))


@pytest.mark.long
def test_gradient_through_a_large_design_is_finite(no_type_checks):
    """Sums over 40 antennas, systems of 12 dimensions; with users that depend on one another."""
    channels = cases.channels(n=2, num_antennas=40, num_users=5, num_eavesdroppers=7)
    h_user, h_eve = (x / jnp.sqrt(channels.noise_power)[:, None, None] for x in channels[:2])
    h_user = h_user.at[1, 1].set(h_user[1, 0])

    def rate(scale):
        steps = gpip.annealing(2, 0.5, 0.2)
        strategy = gpip.opt(scale * h_user, h_eve, 1.0, smoothing=steps).strategy
        return jnp.sum(jaxsec.smooth_secrecy_rates(*strategy, scale * h_user, h_eve, 1.0, 0.5))

    assert bool(jnp.isfinite(jax.jit(jax.grad(rate))(1.0)))


@pytest.mark.long
@pytest.mark.parametrize(("m", "k", "l"), [(16, 5, 7), (16, 10, 12)])
def test_loops_are_built_into_single_kernels(m, k, l, full_compilation_here):
    """Without being compiled a second time, which is what a failure leads to; a full chunk."""
    channels = cases.channels(n=33, num_antennas=m, num_users=k, num_eavesdroppers=l)
    before = list(PROGRAMS._table)
    rate = gpip.opt(*channels, smoothing=gpip.annealing(2)).info.rate
    made = [program for key, program in PROGRAMS._table.items() if key not in before]
    assert made and all(len(program._forms) == 2 for program in made)
    assert bool(jnp.isfinite(rate).all())
