"""Random numbers are used once: streams have names, and what they give has nothing in common."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.key_reuse._core import check_key_reuse

import jaxsec
from jaxsec import cdm, keys
from jaxsec.cdm import robust, sampler
from jaxsec.cdm.coordinates import table as coordinates
from jaxsec.cdm.training import batches, dataset, finetune, pretrain, problems
from jaxsec.channels import Scenario, knowledge, sample_channels
from jaxsec.cli.__main__ import main
from jaxsec.diffusion import process, sampling
from jaxsec.diffusion.networks import table as denoisers
from jaxsec.learning import state as states
from jaxsec.precoding import robust_reference
from jaxsec.precoding.robust import rzf_ns_robust, stochastic_gpip
from jaxsec.report import comparison, judge, statistics
from jaxsec.strategy import Size, Strategy
from tests import cases, models

ROOT = Path(__file__).parents[1]


def numbers(key):
    return tuple(jax.random.key_data(key).tolist())


def test_streams_are_no_indices_and_differ_from_each_other():
    key = jax.random.key(7)
    indexed = {numbers(jax.random.fold_in(key, i)) for i in range(1000)}
    assert {numbers(k) for k in jax.random.split(key, 1000)} == indexed  # why streams have names
    streams = [keys.stream(7, f"use {i}") for i in range(100)]
    turns = [keys.step(key, i) for i in range(100)]
    drawn = {numbers(k) for k in (*streams, *turns)}
    assert len(drawn) == 200
    assert not drawn & indexed
    assert numbers(keys.stream(key, "use 3")) == numbers(streams[3])
    assert numbers(keys.step(key, jnp.asarray(5))) == numbers(turns[5])


def test_no_two_names_in_the_code_share_a_hash():
    pattern = re.compile(r'keys\.(?:stream|generator)\([^()]*?"([^"]+)"')
    files = [*(ROOT / "jaxsec").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    names = {name for path in files for name in pattern.findall(path.read_text())}
    assert {"designs", "compare/estimation", "finetune/channels", "dataset/shards"} <= names
    assert len({keys.tag(name) for name in names}) == len(names)
    assert all(2**31 <= keys.tag(name) < 2**32 for name in names)


def test_hashes_stay_the_same():
    """What a seed has drawn can be drawn again, in any process and on any machine."""
    assert keys.tag("designs") == 3172643069
    first = jax.random.split(jax.random.key(3), 3)[0]
    assert numbers(keys.channels(3)) == numbers(first)


def channels_of(seed, n, **options):
    drawn = sample_channels(keys.channels(seed), Scenario(**options), n)
    return jax.tree.map(np.asarray, drawn)


def correlation(one, other):
    """Of complex entries, each a channel's over its root mean square, with its standard error."""
    one, other = (x / np.sqrt(np.mean(np.abs(x) ** 2, -1, keepdims=True)) for x in (one, other))
    return abs(np.mean(one * other.conj())), 1.0 / np.sqrt(one.size)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_estimation_error_is_independent_of_the_channel(seed):
    """It once was the fading itself, and `compare` found the same rates with it as without."""
    channels, error = channels_of(seed, 256), 0.1
    given = comparison.estimates(channels, (error, error), seed)
    for h, estimate in zip(channels[:2], given[:2], strict=True):
        found, deviation = correlation(h, estimate - np.sqrt(1.0 - error) * h)
        assert found < 4.0 * deviation
        assert correlation(h, estimate)[0] == pytest.approx(np.sqrt(1.0 - error), abs=0.03)
    user, eves = (
        e - np.sqrt(1.0 - error) * h for h, e in zip(channels[:2], given[:2], strict=True)
    )
    found, deviation = correlation(user, eves[:, :2])
    assert found < 4.0 * deviation


@pytest.mark.slow
def test_compare_finds_the_rate_that_an_independent_error_leaves(tmp_path):
    """The rate found with errors that NumPy draws, on other channels, within both intervals."""
    error, rates = 0.1, []
    for seed in range(4):
        channels = cases.channels(seed=seed, n=256, num_eavesdroppers=0)
        gain = np.sqrt(np.mean(np.abs(channels.h_user) ** 2, axis=-1, keepdims=True))
        noise = cases.gaussian(np.random.default_rng(100 + seed), channels.h_user.shape)
        estimate = np.sqrt(1.0 - error) * channels.h_user + np.sqrt(error) * gain * noise
        known = channels._replace(h_user=jnp.asarray(estimate, jnp.complex64))
        strategy = jaxsec.design(*known, method="rzf-ns")
        rates.append(judge.secrecy_rates(strategy, channels).sum(axis=-1))
    wanted = statistics.mean_ci(np.concatenate(rates))
    report = tmp_path / "report.json"
    argv = ["compare", "--methods", "rzf-ns", "--num-eavesdroppers", "0", "--csi-error", "0.1"]
    assert main([*argv, "--no-best-known", "--json", str(report)]) == 0
    found = json.loads(report.read_text())["methods"][0]["sum_secrecy_rate"]
    assert abs(found["mean"] - wanted.value) < 1.5 * np.hypot(found["ci95"], wanted.ci95)
    assert 12.0 < found["mean"] < 15.0  # 36.7 without an error


def directions(h):
    """Channels [n, R, M] as unit vectors [n·R, M], whatever they have been scaled by."""
    h = np.asarray(h).reshape(-1, h.shape[-1])
    return h / np.linalg.norm(h, axis=-1, keepdims=True)


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, 5])
def test_channels_of_one_seed_differ_from_command_to_command(seed, monkeypatch):
    """`compare` once judged fine-tuned models on the channels of their first batch."""
    info = SimpleNamespace(rate=0.0)
    expert = SimpleNamespace(strategy=(), info=info)  # not what is looked at
    monkeypatch.setattr(dataset.gpip, "opt", lambda *_, **__: expert)
    size, n = Size(8, 2, 4), 32
    recipe = dataset.Recipe(sizes=(size,), num_shards=1, shard_channels=n, seed=seed)
    source = problems.Source(
        coordinates=coordinates.get("received"),
        standardiser=models.tiny().standardiser,
        num_noise_beams=2,
        batch_entries=n * 24,
        clustered=0.5,
        multiple=1,
        seed=seed,
        only=size,
    )
    drawn = {
        "compare": channels_of(seed, n).h_user,
        "dataset": dataset.make_shard(recipe, 0).channels.h_user,
        "fine-tuning, first": source.sample(0).known.h_user,
        "fine-tuning, second": source.sample(1).known.h_user,
    }
    unit = {name: directions(h) for name, h in drawn.items()}
    for one, a in unit.items():
        for other, b in unit.items():
            alike = np.abs(a @ b.conj().T) > 0.999
            assert alike.any() == (one == other), (one, other)


def test_fresh_noise_needs_a_key_of_its_own():
    schedule, mask = process.linear_schedule(), jnp.ones((2, 3))
    noisy = sampling.ddim_timesteps(schedule, 3, eta=1.0)

    def sample(initial, key):
        return sampling.ddim_scan(
            lambda z, t: 0.5 * z, schedule, mask, noisy, initial, prediction="start", key=key
        )

    initial = sampling.initial_noise(jax.random.key(0), mask.shape)
    with pytest.raises(jaxsec.InputError, match="`key` must be given for timesteps with fresh"):
        sample(initial, None)
    one, other = (np.asarray(sample(initial, jax.random.key(i))) for i in (1, 2))
    assert np.abs(one - other).max() > 0.1


def check(fun, *args):
    """Raises where a key is used twice, as `jax_debug_key_reuse` does, but compiles nothing."""
    check_key_reuse(fun, *args)


def test_a_key_that_is_used_twice_is_found():
    def twice(key):
        return jax.random.normal(key) + jax.jit(jax.random.uniform)(key)

    with pytest.raises(jax.errors.KeyReuseError):
        check(twice, jax.random.key(0))
    check(lambda key: sum(jax.random.normal(k) for k in jax.random.split(key)), jax.random.key(0))


@pytest.mark.long
def test_comparison_uses_keys_once(tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "SLICE", 2)
    monkeypatch.setattr(comparison, "REFERENCE_SLICE", 2)
    used = []

    def design(channels, *, method, key, **aim):
        del method, aim
        used.append(numbers(key))
        jax.random.normal(key)
        h_user = channels.h_user
        shape = (h_user.shape[0], h_user.shape[-1])
        return Strategy(np.ones((*shape, h_user.shape[1]), complex), np.ones((*shape, 0), complex))

    def best_known(key, part, **_):
        used.append(numbers(key))
        return 100.0 + np.asarray(jax.random.uniform(key, (len(part.h_user),)))

    monkeypatch.setattr(comparison, "design", design)
    monkeypatch.setattr(comparison.reference, "best_known", best_known)
    with jax.debug_key_reuse(True):
        argv = ["compare", "--methods", "rzf-ns", "--num-channels", "4", "--csi-error", "0.1"]
        assert main([*argv, "--json", str(tmp_path / "report.json")]) == 0
    runs = 1 + comparison.REPEATS
    assert used[:2] == used[2:4]  # timed again on the same numbers
    assert len(used) == 2 * runs + 2
    assert len(set(used)) == 4  # two slices of designs, and of best known rates


@pytest.mark.long
def test_generative_designs_use_keys_once():
    channels, key = cases.channels(n=3), jax.random.key(1)
    known = knowledge.estimated(channels.h_user, channels.h_eve, 0.1)
    model, noise = models.tiny(), channels.noise_power
    told = finetune.into(model, "known")
    start = cases.random_strategy(0, 3, 8, 2, 2)
    few = {"num_samples": 3, "num_steps": 2}
    check(lambda key: cdm.design(key, model, *channels, **few), key)
    check(lambda key: robust.design(key, told, known, noise, **few), key)
    on_draws = {"num_steps": 2, "num_draws": 4}
    check(lambda key: stochastic_gpip(key, known, noise, **on_draws), key)
    check(lambda key: rzf_ns_robust(key, known, noise), key)
    check(lambda key: knowledge.sample(key, known, 5), key)
    check(lambda key: jaxsec.design(*channels, num_starts=3, key=key), key)
    check(
        lambda key: robust_reference.ascend(key, start, known, noise, num_steps=4, num_draws=4),
        key,
    )


@pytest.mark.long
def test_trainings_use_keys_once():
    config = pretrain.Config(denoiser="mlp", num_steps=2, batch_entries=96)
    tiny = {"num_parameters": 4000, "num_layers": 1, "num_rows": 6, "num_columns": 5}
    network = denoisers.make("mlp", tiny)
    size, model = Size(4, 2, 1), finetune.into(models.tiny(), "known")
    source = problems.Source(coordinates.get("known"), model.standardiser, 2, 96, 0.5, 1, 3, size)
    problem = source.sample(0)
    samples = batches.Samples(np.zeros(problem.condition.mask.shape, np.float32), problem.condition)
    check(lambda: pretrain.initial_state(config, network, samples))
    state = jax.eval_shape(lambda: pretrain.initial_state(config, network, samples))
    check(pretrain.make_train_step(config, network), state, samples)

    tuning = finetune.Config(num_steps=2, ddim_steps=(2,), coordinates="known", num_candidates=2)
    state = states.initial(model.params, finetune.optimiser(tuning))
    tune = finetune.make_step(tuning, sampler.sampler_of(model))
    check(tune, state, problem, finetune.timesteps_of(tuning, 0))
    spread = np.full((3, 5), 0.1, np.float32)
    make = lambda key: problems.make(source.coordinates, size, 4, 0.5, key, size, spread, 2)  # noqa: E731
    check(make, jax.random.key(0))
    recipe = dataset.Recipe(sizes=(size,), num_shards=1, shard_channels=4)
    with jax.debug_key_reuse(True):
        assert dataset.make_shard(recipe, 0).rate.shape == (4,)
