"""The networks: what each one does not see, where it is zero, and the set denoiser's symmetries."""

import dataclasses
import re

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec.cdm.coordinates import table as coordinates
from jaxsec.cdm.training import batches
from jaxsec.diffusion.networks import convolution
from jaxsec.diffusion.networks import table as denoisers
from jaxsec.diffusion.networks.set import SetDenoiser, SetSize
from jaxsec.diffusion.networks.unet import UNet, UNetSize
from tests import cases, models

RECEIVED = coordinates.get("received")
K, L, J = 2, 3, 2
TINY = SetSize(num_layers=2, num_complex=6, num_real=8, num_hidden=12)
SMALL = {
    "set": dataclasses.asdict(TINY),
    "unet": {"width": 8, "num_blocks": 1, "num_embedding": 16},
    "unet-paper": {"width": 8, "num_embedding": 16},
    "mlp": {"num_parameters": 5000, "num_layers": 1},
}


@jax.jit
def told(channels):
    """The condition of channels in received-gain coordinates."""
    num_users = channels.h_user.shape[1]
    num_eves = channels.h_eve.shape[1]
    kind = RECEIVED.kinds(8, num_users, num_eves, J)
    spread = np.float32([0.1, 0.05, 0.05, 0.2, 0.3])[kind]
    return RECEIVED.condition(RECEIVED.frame(*channels, J), num_users, spread)


def noisy(condition, seed=0):
    z = np.random.default_rng(seed).standard_normal(condition.mask.shape).astype(np.float32)
    return z * np.asarray(condition.mask)


@pytest.fixture(scope="module")
def channels():
    return cases.channels(n=3, num_users=K, num_eavesdroppers=L)


@pytest.fixture(scope="module")
def tiny(channels):
    """The set denoiser as a function of sample and condition."""
    network = SetDenoiser(TINY)
    condition = told(channels)
    z = noisy(condition)
    params = models.random_params(network, z, jnp.zeros(z.shape[0], jnp.int32), condition)
    apply = jax.jit(network.apply)
    return lambda z, condition: np.asarray(apply(params, z, np.full(3, 300), condition))


@pytest.fixture(scope="module")
def condition(channels):
    """What the denoiser is told, in NumPy."""
    return jax.tree.map(np.asarray, told(channels))


def permuted(z, condition, rows, columns):
    return z[:, :, rows][:, :, :, columns], condition._replace(
        mask=condition.mask[:, :, rows][:, :, :, columns],
        entries=condition.entries[:, rows][:, :, columns],
        complex_entries=condition.complex_entries[:, :, rows][:, :, :, columns],
        rows=condition.rows[:, rows],
        columns=condition.columns[:, columns],
        relations=condition.relations[:, :, :, rows][:, :, :, :, rows],
    )


def as_complex(z):
    return z[:, 0] + 1j * z[:, 1]


def as_real(z):
    return np.stack([z.real, z.imag], axis=1)


def test_order_of_users_eavesdroppers_and_beams_means_nothing(tiny, condition):
    z = noisy(condition)
    rows, columns = np.array([1, 0, 4, 2, 3]), np.array([1, 0, 3, 2])
    straight = tiny(z, condition)
    moved = tiny(*permuted(z, condition, rows, columns))
    assert np.std(straight) > 0.01
    np.testing.assert_allclose(moved, straight[:, :, rows][:, :, :, columns], atol=1e-4)


def test_a_phase_of_a_row_or_column_turns_the_output(tiny, condition):
    condition = condition._replace(mask=np.ones((3, 2, K + L, K + J), np.float32))
    z = noisy(condition)
    generator = np.random.default_rng(5)
    row = np.exp(1j * generator.uniform(0, 6, K + L)).astype(np.complex64)
    column = np.exp(1j * generator.uniform(0, 6, K + J)).astype(np.complex64)
    turn = (row[:, None] * column[None])[None]
    entries = as_complex(np.moveaxis(condition.complex_entries, -1, 0).reshape(-1, 2, K + L, K + J))
    entries = as_real(entries * turn).reshape(-1, 3, 2, K + L, K + J)
    related = condition.relations[:, :, 0] + 1j * condition.relations[:, :, 1]
    related = related * (row[:, None] * row[None].conj())[None, None]
    turned = condition._replace(
        complex_entries=np.moveaxis(entries, 0, -1),
        relations=np.stack([related.real, related.imag], axis=2),
    )
    straight = as_complex(tiny(z, condition))
    np.testing.assert_allclose(
        as_complex(tiny(as_real(as_complex(z) * turn), turned)), straight * turn, atol=2e-4
    )


def test_conjugate_channels_have_conjugate_outputs(tiny, condition):
    z = noisy(condition)
    flip = np.array([1.0, -1.0], np.float32)[None, :, None, None]
    mirrored = condition._replace(
        complex_entries=condition.complex_entries * flip[..., None],
        relations=condition.relations * flip[:, None],
    )
    np.testing.assert_allclose(tiny(z * flip, mirrored), tiny(z, condition) * flip, atol=1e-4)


def test_padding_changes_nothing(tiny, condition):
    samples = batches.Samples(noisy(condition), condition)
    padded = batches.pad(samples, (8, 6))
    out = tiny(padded.z, padded.condition)
    np.testing.assert_allclose(out[:, :, : K + L, : K + J], tiny(samples.z, condition), atol=1e-4)
    assert np.abs(out[:, :, K + L :]).max() == 0.0


def test_set_denoiser_stays_finite_far_from_the_data(tiny, condition):
    for scale in (0.0, 1e-20, 1e6):
        assert np.isfinite(tiny(scale * noisy(condition), condition)).all()


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "which"),
    [("set", "known"), ("unet", "received"), ("mlp", "received")]  # known tells more
    + [(name, "antenna") for name in SMALL],
)
def test_every_denoiser_takes_every_table(name, which, channels):
    """Zero where the mask is, gradients everywhere, the same twice, other channels seen."""
    found = coordinates.get(which)
    kind = found.kinds(8, K, L, J)
    spread = np.full(kind.shape, 0.1, np.float32)
    condition = jax.jit(lambda c: found.condition(found.frame(*c, J), K, spread))(channels)
    network = denoisers.make(name, SMALL[name])
    z, t = jax.device_put(noisy(condition)), jnp.array([0, 500, 999])
    params = models.random_params(network, z, jnp.zeros(z.shape[0], jnp.int32), condition)
    out, grad = jax.jit(
        lambda p, c: jax.value_and_grad(
            lambda p: jnp.sum(jnp.square(network.apply(p, z, t, c)))  # pyright: ignore
        )(p)
    )(params, condition)
    assert bool(jnp.isfinite(out))
    dead = [
        jax.tree_util.keystr(at)
        for at, g in jax.tree_util.tree_leaves_with_path(grad)
        if not float(jnp.abs(g).max()) > 0
    ]
    assert [name for name in dead if "key']['bias" not in name] == []  # shifts no softmax
    other = jax.tree.map(lambda x: x[::-1], condition)._replace(mask=condition.mask)
    apply = jax.jit(network.apply)
    first, again, changed = (apply(params, z, t, c) for c in (condition, condition, other))
    np.testing.assert_array_equal(first, again)
    assert float(jnp.abs(first * (1 - condition.mask)).max()) == 0.0
    assert float(jnp.abs(first - changed).max()) > 1e-4


@pytest.mark.slow
def test_parameter_counts_of_the_ablation_agree(channels):
    """CDM-MLP, the small U-Net and the set denoiser within 5%, at K = 2 and L = 4; P1's U-Net fits
    10 MB in half precision, and the MLP beside it is as large within 2%."""
    condition = told(cases.channels(n=1, num_eavesdroppers=4))
    z = noisy(condition)
    counts = {}
    for name in ("set", "unet", "mlp", "unet-paper", "mlp-paper"):
        network = denoisers.for_tables(name, *z.shape[2:])
        t = np.zeros(1, np.int32)
        params = jax.eval_shape(network.init, jax.random.key(0), z, t, condition)
        counts[name] = sum(x.size for x in jax.tree.leaves(params))
    large = counts.pop("unet-paper")
    assert 4e6 < large < 5e6
    assert abs(counts.pop("mlp-paper") / large - 1.0) < 0.02
    assert max(counts.values()) <= 1.05 * counts["set"]
    assert min(counts.values()) >= 0.95 * counts["set"]


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 2), (2, 4), (5, 4), (8, 8)])
def test_all_ways_to_convolve_agree_with_flax(shape):
    generator = np.random.default_rng(0)
    x = generator.standard_normal((3, *shape, 5)).astype(np.float32)
    kernel = generator.standard_normal((3, 3, 5, 4)).astype(np.float32)

    @jax.jit
    def every(x, kernel):
        ways = (convolution.mix, convolution.gather, convolution.convolve)
        flax = nn.Conv(4, (3, 3), use_bias=False).apply({"params": {"kernel": kernel}}, x)
        return flax, [way(x, kernel) for way in ways]

    wanted, found = every(x, kernel)
    for x in found:
        np.testing.assert_allclose(x, wanted, atol=1e-4)


@pytest.mark.slow
def test_unet_is_that_of_plain_convolutions(channels):
    condition = told(channels)
    z, size = noisy(condition), UNetSize(width=8, num_blocks=1, num_embedding=16)
    network = UNet(size)
    params = models.random_params(network, z, jnp.zeros(z.shape[0], jnp.int32), condition)
    plain = UNet(size, conv=lambda features, **rest: nn.Conv(features, (3, 3), **rest))
    t = jnp.full(3, 10)
    ours, theirs = (jax.jit(net.apply)(params, z, t, condition) for net in (network, plain))
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_unknown_denoisers_and_sizes_are_named():
    with pytest.raises(jaxsec.InputError, match="`denoiser` must be one of set, set-small, unet"):
        denoisers.make("transformer")
    with pytest.raises(jaxsec.InputError, match=re.escape("`size` of 'mlp' must name")):
        denoisers.make("mlp", {"depth": 3})
    assert dataclasses.asdict(denoisers.make("unet-paper").size)["width"] == 64
