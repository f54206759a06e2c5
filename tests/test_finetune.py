"""Fine-tuning on the rate: the loss is (19) of what is sampled, gradients are right, it learns."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec import secrecy
from jaxsec.cdm import file as cdm_file
from jaxsec.cdm import sampler
from jaxsec.cdm.coordinates import table as coordinates
from jaxsec.cdm.training import finetune, problems
from jaxsec.channels import knowledge
from jaxsec.cli.__main__ import main
from jaxsec.diffusion import process, sampling
from jaxsec.learning import state as states
from jaxsec.strategy import Size, Strategy
from tests import models

pytestmark = pytest.mark.slow

CONFIG = finetune.Config(num_steps=40, ddim_steps=(1, 2), batch_entries=192, warmup_steps=4)
SIZE = Size(4, 2, 1)
KEY = jax.random.key(0)


def source(which="received", only=SIZE, **changes):
    options = {
        "coordinates": coordinates.get(which),
        "standardiser": models.tiny().standardiser,
        "num_noise_beams": 2,
        "batch_entries": 192,
        "clustered": 0.0,
        "multiple": 1,
        "seed": 3,
        "only": only,
    }
    return problems.Source(**{**options, **changes})


def told(which, **changes):
    return source(which, standardiser=finetune.into(models.tiny(), which).standardiser, **changes)


def timesteps(num_steps, pad_to=None):
    return sampling.ddim_timesteps(process.linear_schedule(), num_steps, pad_to=pad_to)


@pytest.fixture(scope="module")
def batch():
    return jax.device_put(source().sample(1))


@pytest.fixture(scope="module")
def told_of_errors():
    """Four hundred problems, told of the errors of their channels."""
    return told("known", batch_entries=3 * 5 * 400).sample(0)


@pytest.fixture(scope="module")
def loss():
    """That of the tiny model."""
    return jax.jit(finetune.make_loss(CONFIG, sampler.sampler_of(models.tiny())))


def test_problems_follow_from_seed_and_step(batch):
    again, later = source().sample(1), source().sample(2)
    np.testing.assert_array_equal(again.known.h_user, batch.known.h_user)
    assert not np.array_equal(later.known.h_user, batch.known.h_user)
    assert batch.known.h_user.shape == (16, 2, 4)
    assert float(batch.known.error_user.max()) == 0.0
    snr_db = 10 * np.log10(np.mean(np.abs(batch.known.h_user) ** 2, axis=(1, 2)))
    assert snr_db.min() > -25
    assert snr_db.max() < 95
    assert np.ptp(snr_db) > 30


def test_every_figure_of_the_paper_is_drawn():
    drawn = {size[1:] for _, sizes in problems.BUCKETS.values() for size in sizes}
    figures = {(2, 4)} | {(4, l) for l in range(2, 9)} | {(k, 2) for k in range(2, 7)}
    assert figures <= drawn
    assert sum(share for share, _ in problems.BUCKETS.values()) == pytest.approx(1.0)
    for bucket, (_, sizes) in problems.BUCKETS.items():
        assert all(size[1] == bucket.num_users for size in sizes)
        assert all(a <= b for size in sizes for a, b in zip(size, bucket, strict=True))


@pytest.mark.long
@pytest.mark.parametrize("which", ["received", "resolved", "known"])
def test_filling_up_changes_no_rate(which):
    """Links of no gain are never noticed: not by the reference, the network, or the rates."""
    size, bucket = Size(6, 2, 2), Size(8, 2, 4)
    found, model = coordinates.get(which), finetune.into(models.tiny(), which)
    spread = np.full(found.kinds(*bucket, 2).shape, 0.1, np.float32)
    padded = problems.make(found, bucket, 5, 0.5, KEY, size, spread, 2)
    known = knowledge.Posterior(
        padded.known.h_user[:, :, :6],
        padded.known.h_eve[:, :2, :6],
        padded.known.error_user,
        padded.known.error_eve[:, :2],
    )
    assert float(jnp.abs(padded.known.h_eve[:, 2:]).max()) == 0.0
    if found.informed is None:
        frame = found.frame(*known[:2], 1.0, 2)
    else:
        frame = found.informed(known, 1.0, 2, padded.outage)
    initial = jax.random.normal(KEY, padded.condition.mask.shape)

    def design(condition, frame, initial):
        z = sampler.sample(
            sampler.sampler_of(model), model.params, condition, initial, timesteps(2)
        )
        table = 0.1 * jax.lax.complex(z[:, 0], z[:, 1])
        return secrecy.normalise_power(*found.decode(frame, table, 2))

    ours = design(padded.condition, padded.frame, initial)
    bare = design(found.condition(frame, 2, spread[:4]), frame, initial[:, :, :4])
    noise, wanted = ours[1][:, :6], bare[1]
    if which == "known":  # as many columns as antennas leave; means that errors have shrunk
        noise, wanted = (v @ jnp.swapaxes(v.conj(), 1, 2) for v in (noise, wanted))
    tolerance = 1e-3 if which == "known" else 1e-4
    np.testing.assert_allclose(ours[0][:, :6], bare[0], atol=tolerance)
    np.testing.assert_allclose(noise, wanted, atol=tolerance)
    assert float(jnp.abs(ours[1][:, 6:]).max()) < 1e-6
    beams = found.reference(frame)
    reference = Strategy(beams[..., :2], beams[..., 2:])
    rate = jaxsec.sum_secrecy_rate(*reference, *knowledge.diagonal_loading(known, 1.0))
    np.testing.assert_allclose(padded.reference_rate, jnp.maximum(rate, 1.0), rtol=1e-4)


def test_idle_steps_do_nothing():
    """Timesteps that are padded are the same sampler."""
    mask = jnp.ones((2, 3))
    initial = jax.random.normal(KEY, mask.shape)
    schedule = process.linear_schedule()

    @jax.jit
    def sample(timesteps):
        return sampling.ddim_scan(
            lambda z, t: 0.3 * z, schedule, mask, timesteps, initial, prediction="noise"
        )

    np.testing.assert_allclose(sample(timesteps(2, pad_to=5)), sample(timesteps(2)), rtol=1e-6)


def strategies(batch, num_steps):
    """What the loss generates, sampled step by step as the designer does."""
    model = models.tiny()

    @jax.jit
    def generate(batch, timesteps):
        initial = sampling.initial_noise(jax.random.split(KEY)[0], batch.condition.mask.shape)
        z = sampler.sample(
            sampler.sampler_of(model), model.params, batch.condition, initial, timesteps
        )
        table = jax.lax.complex(z[:, 0], z[:, 1]) * batch.spread
        return coordinates.get("received").decode(batch.frame, table, 2)

    return generate(batch, timesteps(num_steps))


def test_the_loss_is_the_rate_of_what_is_sampled(batch):
    model = models.tiny()
    channels = (*batch.known[:2], 1.0)
    raw = strategies(batch, 2)
    for power, beams in (("projection", secrecy.normalise_power(*raw)), ("penalty", raw)):
        config = dataclasses.replace(CONFIG, power=power, relative=False, penalty=0.1)
        loss = jax.jit(finetune.make_loss(config, sampler.sampler_of(model)))
        value = loss(model.params, KEY, batch, 0.05, timesteps(2))
        rates = np.asarray(jaxsec.smooth_secrecy_rates(*beams, *channels, 0.05))
        norm = np.sqrt(secrecy.power(*beams))
        wanted = -rates.sum(axis=-1).mean() + 0.1 * np.mean((norm - 1.0) ** 2)
        np.testing.assert_allclose(value, wanted, rtol=1e-4)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"refine": 1}, marks=pytest.mark.long),
        pytest.param(
            {"num_candidates": 2, "coordinates": "known", "num_draws": 4}, marks=pytest.mark.long
        ),
    ],
)
def test_gradients_are_those_of_finite_differences(change, batch, no_type_checks):
    config = dataclasses.replace(CONFIG, **change)
    model = models.tiny()
    if config.coordinates:
        model = finetune.into(model, config.coordinates)
        batch = jax.device_put(told(config.coordinates).sample(1))
        assert float(batch.known.error_user.max()) > 0
        batch = batch._replace(outage=0 * batch.outage)  # the kernel's weights are not derived
    loss = jax.jit(jax.value_and_grad(finetune.make_loss(config, sampler.sampler_of(model))))
    arguments = (KEY, batch, 0.2, timesteps(2))
    _, gradient = loss(model.params, *arguments)
    length = np.sqrt(sum(float(jnp.sum(g**2)) for g in jax.tree.leaves(gradient)))
    assert np.isfinite(length)
    assert length > 0

    def along(t):
        moved = jax.tree.map(lambda p, g: p + t * g / length, model.params, gradient)
        return float(loss(moved, *arguments)[0])

    step = 1e-2
    np.testing.assert_allclose((along(step) - along(-step)) / (2 * step), length, rtol=0.05)


def test_fine_tuning_raises_the_rate_and_compiles_once(batch, loss):
    model = models.tiny()
    state = states.initial(jax.tree.map(jnp.copy, model.params), finetune.optimiser(CONFIG))
    step = finetune.make_step(
        dataclasses.replace(CONFIG, learning_rate=1e-2), sampler.sampler_of(model)
    )
    before = loss(model.params, KEY, batch, 0.02, timesteps(2))
    for i in range(CONFIG.num_steps):
        state, value = step(state, source().sample(10 + i), finetune.timesteps_of(CONFIG, i))
        assert np.isfinite(value)
    assert step._cache_size() == 1  # pyright: ignore
    after = loss(state.params, KEY, batch, 0.02, timesteps(2))
    assert float(after) < float(before) - 0.002
    counts = {int(finetune.timesteps_of(CONFIG, i).active.sum()) for i in range(20)}
    assert counts == {1, 2}


@pytest.mark.parametrize("which", ["resolved", "known"])
def test_more_inputs_have_no_weight_at_first(which, told_of_errors, no_type_checks):
    """The network is the same function until it has learned what more it is told."""
    model = models.tiny()
    grown = finetune.into(model, which)
    assert finetune.into(grown, which) is grown
    problem = told_of_errors if which == "known" else told(which).sample(1)
    condition = problem.condition
    more = finetune.MORE[which]
    known = condition._replace(
        complex_entries=condition.complex_entries[..., : -more.complex_entries],
        rows=condition.rows[..., : -more.rows],
        columns=condition.columns[..., : -more.rows],
        relations=condition.relations[:, : -more.relations],
    )
    z = jax.random.normal(KEY, condition.mask.shape)
    t = jnp.full(len(z), 500, jnp.int32)
    wanted = jax.jit(model.network.apply)(model.params, z, t, known)
    found = jax.jit(grown.network.apply)(grown.params, z, t, condition)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    with pytest.raises(jaxsec.InputError, match="`model` must be a set denoiser in the same"):
        finetune.into(grown, "received")


def test_models_go_on_where_they_can():
    model = models.tiny()
    resolved = finetune.into(model, "resolved")
    assert finetune.goes_on_in(model, CONFIG) == finetune.goes_on_in(resolved, CONFIG) == "resolved"
    network = dataclasses.replace(model, denoiser="mlp")
    assert finetune.goes_on_in(network, CONFIG) == "received"
    assert finetune.into(resolved, "known").standardiser.spread.shape[-1] == 6
    grown = finetune.into(resolved, "known").params["params"]
    assert (
        grown["rows"]["kernel"].shape
        == finetune.into(model, "known").params["params"]["rows"]["kernel"].shape
    )
    with pytest.raises(jaxsec.InputError, match="must be a set denoiser in received or resolved"):
        finetune.into(dataclasses.replace(model, coordinates="antenna"), "known")


def test_problems_are_known_with_every_error(told_of_errors):
    """Exactly, with errors of either, of the eavesdroppers only the gain; mean and kept rate."""
    many = told_of_errors
    user, eve = many.known.error_user[:, 0], many.known.error_eve[:, 0]
    both = (user == 0) & (eve == 0)
    assert abs(both.mean() - problems.EXACT) < 0.08
    vague = np.abs(many.known.h_eve).max(axis=(1, 2)) == 0
    assert 0.04 < vague.mean() < 0.14
    assert ((user > 0) & (eve > 0)).mean() > 0.25
    assert abs(many.outage.mean() - 0.5) < 0.08


@pytest.mark.long
@pytest.mark.parametrize("outage", [False, True])
def test_errors_and_the_objective_can_be_given(outage):
    config = dataclasses.replace(
        CONFIG,
        coordinates="known",
        csi_error_eavesdroppers=1.0,
        objective="outage" if outage else "sum",
    )
    problem = told("known", told=finetune.told(config)).sample(0)
    assert float(np.abs(problem.known.h_eve).max()) == 0.0
    assert len(np.unique(problem.known.error_user[:, 0] > 0)) == 2  # still drawn
    np.testing.assert_array_equal(problem.outage, outage)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ddim_steps": ()}, "`ddim_steps` must hold counts of at least 1"),
        ({"power": "scaling"}, "`power` must be one of projection, penalty"),
        (
            {"csi_error_users": 0.1},
            "`coordinates` must be 'known' where CSI errors or an objective",
        ),
        ({"objective": "outage"}, "`coordinates` must be 'known' where CSI errors or an objective"),
        (
            {"coordinates": "known", "csi_error_users": 1.5},
            "`csi_error_users` must lie between 0 and 1",
        ),
        ({"clustered": 1.5}, "`clustered` must lie between 0 and 1"),
        ({"num_candidates": 0}, "`num_candidates` must be at least 1"),
    ],
)
def test_bad_configurations_are_named(change, message, no_type_checks):
    with pytest.raises(jaxsec.InputError, match=message):
        dataclasses.replace(CONFIG, **change)


@pytest.mark.long
def test_the_command_resumes_exactly_and_writes_a_model(tmp_path, no_type_checks, capsys):
    start = tmp_path / "start.npz"
    cdm_file.save(start, models.tiny(), {})
    options = ["--model", str(start), "--size", "4", "2", "1", "--batch-entries", "48"]
    options += ["--num-steps", "6", "--save-every", "2", "--ddim-steps", "1"]
    assert main(["finetune", "--out", str(tmp_path / "whole"), *options]) == 0
    whole = cdm_file.load(tmp_path / "whole" / "model.npz")
    card = cdm_file.read_card(tmp_path / "whole" / "model.npz")
    assert card["fine_tuning"]["ddim_steps"] == [1]
    assert json.loads((tmp_path / "whole" / "metrics.jsonl").read_text())["step"] == 6
    # As if it had been killed after step 4: the last checkpoint is gone, and so is the model.
    for name in ("model.npz", "model.json", "metrics.jsonl"):
        (tmp_path / "whole" / name).unlink()
    newest = tmp_path / "whole" / "checkpoints" / "6"
    newest.rename(tmp_path / "gone")
    assert main(["finetune", "--out", str(tmp_path / "whole"), *options]) == 0
    again = cdm_file.load(tmp_path / "whole" / "model.npz")
    jax.tree.map(np.testing.assert_array_equal, whole.params, again.params)
    assert main(["finetune", "--out", str(tmp_path / "x"), "--model", "nothing"]) == 2
    assert "`--model` must be one of cdm-antenna" in capsys.readouterr().err
