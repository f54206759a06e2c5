"""Completers of waterfalls: what a step does, exact resumption, files, and the command."""

import dataclasses
import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec import checks
from jaxsec.cli.__main__ import main
from jaxsec.spectrum import PATTERNS, Config, Scenario, file, judge, load, run, train
from jaxsec.spectrum.networks import Local, features

pytestmark = pytest.mark.slow

SCENARIO = Scenario()
TINY = Config(num_steps=6, batch_size=4, code=4, hidden=8, warmup_steps=0, label="same")


@pytest.fixture(scope="module", autouse=True)
def one_step():
    """Trainings of the same configuration share a step, compiled once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "make_step", functools.cache(train.make_step))
        yield


@pytest.fixture(scope="module")
def batch():
    """Waterfalls under regular masks."""
    return train.sample(jax.random.key(5), SCENARIO, 4, ("regular",))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a tiny run."""
    out = tmp_path_factory.mktemp("spectrum") / "whole"
    run.run(out, SCENARIO, TINY, save_every=3, command="test")
    return out


@pytest.fixture(scope="module")
def trained(finished):
    """What it has left."""
    return file.load(finished / "model.npz")


def test_what_is_sensed_is_kept_exactly(trained, batch):
    completed = np.asarray(jax.jit(trained.complete)(batch))
    np.testing.assert_array_equal(
        completed[batch.mask], np.asarray(batch.waterfall.power)[batch.mask]
    )
    assert (completed != np.asarray(batch.waterfall.power))[~np.asarray(batch.mask)].all()


@pytest.mark.slow
def test_what_is_lost_is_not_seen(trained, batch):
    """Other powers in the hole change neither label nor completion there."""
    power = jnp.where(batch.mask, batch.waterfall.power, 7.0)
    other = batch._replace(waterfall=batch.waterfall._replace(power=power))
    np.testing.assert_array_equal(trained.label(batch), trained.label(other))
    hole = ~np.asarray(batch.mask)
    one, another = (np.asarray(trained.complete(b))[hole] for b in (batch, other))
    np.testing.assert_array_equal(one, another)


def test_a_band_turned_round_is_completed_turned_round(trained, batch):
    def turn(tree):
        return jax.tree.map(lambda x: jnp.roll(x, 5, axis=2) if x.ndim == 3 else x, tree)

    np.testing.assert_allclose(
        trained.complete(turn(batch)), turn(trained.complete(batch)), atol=1e-3
    )


def test_labels_are_what_the_configuration_says(trained, batch):
    def told(label):
        config = dataclasses.replace(TINY, label=label)
        return np.asarray(train.labels(config, SCENARIO, trained.classifier, batch))

    assert (told("none") == 0.0).all()
    np.testing.assert_array_equal(told("true").argmax(axis=1), batch.waterfall.pattern)
    for label in ("same", "history"):
        np.testing.assert_allclose(told(label).sum(axis=1), 1.0, rtol=1e-5)
    swapped = batch._replace(history=batch.waterfall)
    config = dataclasses.replace(TINY, label="history")
    other = train.labels(config, SCENARIO, trained.classifier, swapped)
    assert np.abs(np.asarray(other) - told("history")).max() > 1e-6


def test_the_local_discriminator_weighs_patches_by_their_hole(batch):
    x = features(batch.waterfall.power, batch.mask.at[:, :8].set(True))
    local = Local(8)
    (_, hole), _ = jax.jit(local.init_with_output)(jax.random.key(0), x)
    hole = np.asarray(hole).reshape(4, 4, 4)
    assert (hole[:, 0] == 0.0).all()
    np.testing.assert_allclose(hole[:, 1:], 7 / 8, rtol=1e-6)


def test_each_player_moves_down_its_own_loss_and_no_adversary_means_no_discriminator(batch):
    game = train.initial_state(TINY, SCENARIO)
    key = jax.random.key(0)
    moved, _ = train.make_step(TINY, SCENARIO)(game, (batch, key))
    for before, after in zip(game, moved, strict=True):
        changed = jax.tree.map(np.array_equal, before.params, after.params)
        assert not all(jax.tree.leaves(changed))
    alone = dataclasses.replace(TINY, adversarial=0.0, label="none")
    game = jax.eval_shape(lambda: train.initial_state(alone, SCENARIO))
    assert game.discriminator is None and game.classifier is None


@pytest.mark.slow
def test_a_step_learns(batch):
    config = dataclasses.replace(TINY, num_steps=100, learning_rate=1e-2, label="true")
    game = train.initial_state(TINY, SCENARIO)._replace(classifier=None)
    step = train.make_step(config, SCENARIO)
    losses = []
    for index in range(60):
        game, loss = step(game, (batch, jax.random.key(index)))
        losses.append(float(loss))
    assert losses[-1] < 0.6 * losses[0]


class Killed(Exception):
    pass


@pytest.mark.slow
def test_a_run_that_was_killed_ends_with_the_same_weights(finished, tmp_path, monkeypatch):
    whole = train.draw

    def killing(config, scenario, index):
        if index == 4:
            raise Killed
        return whole(config, scenario, index)

    out = tmp_path / "killed"
    with monkeypatch.context() as patch:
        patch.setattr(train, "draw", killing)
        with pytest.raises(Killed):
            run.run(out, SCENARIO, TINY, save_every=3, command="test")
    assert not (out / "model.npz").exists()
    run.run(out, SCENARIO, TINY, save_every=3, command="test")
    one, other = (file.load(folder / "model.npz") for folder in (finished, out))
    for a, b in zip(jax.tree.leaves(one[2:]), jax.tree.leaves(other[2:]), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(checks.InputError, match="the folder holds a run with other options"):
        run.run(out, SCENARIO, dataclasses.replace(TINY, ema=0.9), save_every=3, command="test")


def test_accuracy_is_of_the_hole_only(batch):
    """Right in the hole and wrong outside is all right."""

    def complete(given):
        wrong = jnp.where(given.waterfall.occupied, -120.0, -60.0)
        return jnp.where(given.mask, wrong, given.waterfall.power)

    row = judge.judge("truth", "regular", [batch], SCENARIO, complete)
    assert (row.accuracy > 0.999).all() and (row.error_db == 0.0).all()


@pytest.mark.slow
def test_the_shipped_weights_complete_what_they_were_trained_on():
    shipped = load()
    [batch] = judge.test_set(shipped.scenario, "regular", 64, 9)
    row = judge.judge("shipped", "regular", [batch], shipped.scenario, shipped.complete)
    nearest = judge.ways(shipped)["nearest"]
    other = judge.judge("nearest", "regular", [batch], shipped.scenario, nearest)
    assert row.jammed.value > max(0.92, other.jammed.value + 0.05)
    clear = row.pattern == PATTERNS.index("none")
    assert row.accuracy[clear].mean() > 0.95
    assert judge.label_accuracy(shipped, [batch]) > 0.9


@pytest.mark.long
def test_the_command_trains_and_evaluates(finished, tmp_path, capsys):
    out, report, picture = (tmp_path / name for name in ("out", "report.json", "figure.png"))
    words = f"spectrum train --out {out} --label none --adversarial 0 --num-steps 2 --batch-size 2"
    assert main(words.split()) == 0
    words = f"spectrum evaluate {out}/model.npz --waterfalls 50 --json {report} --figure {picture}"
    assert main(words.split()) == 0
    assert "soft-impute" in capsys.readouterr().out
    found = json.loads(report.read_text())
    assert [row["way"] for row in found["rows"]] == ["completer", "nearest", "soft-impute"]
    assert found["label_accuracy"] == {"regular": None}
    assert set(found["selection"]) == {"random", "last sensed", "completed", "oracle"}
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("train --out x --num-steps 0", "`--num-steps` must be at least 1, but is 0"),
        ("train --out x --adversarial -1", "`--adversarial` must not be negative, but is -1.0"),
        ("train --out x --save-every 0", "`--save-every` must be at least 1, but is 0"),
        ("train --out x --seed -1", "`--seed` must lie in [0, 2**32), but is -1"),
        ("evaluate nothing.npz", "nothing.npz: there is no such file"),
        ("evaluate --waterfalls 10", "`--waterfalls` must be at least 50, but is 10"),
    ],
)
def test_mistakes_are_named_in_one_line(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["spectrum", *words.split()]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
