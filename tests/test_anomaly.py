"""Detectors: thresholds that hold, gradients, training that goes on, files."""

import json
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec import anomaly, checks
from jaxsec.anomaly import file as anomaly_file
from jaxsec.anomaly import networks, source, train
from jaxsec.anomaly import run as anomaly_run
from jaxsec.anomaly.detector import Detector
from jaxsec.anomaly.train import Config
from jaxsec.cli.__main__ import main

TINY = Config(width=2, hidden=4, latent=2, num_steps=6, batch_size=4, warmup_steps=2, seeds=(0, 3))


@pytest.fixture(autouse=True)
def few_images(monkeypatch):
    monkeypatch.setattr(source, "NUM_TRAIN", 64)
    monkeypatch.setattr(source, "NUM_HELD_OUT", 40)


@pytest.fixture
def drawn():
    """Clean images of the runs of `TINY`."""
    return [source.SOURCES["waterfalls"].clean(run) for run in train.runs(TINY)]


def test_an_image_is_put_together_as_it_is_cut():
    x = jnp.arange(2.0 * 16 * 16).reshape(2, 16, 16)
    cut = networks.patches(x)
    np.testing.assert_array_equal(cut[1, 4 * 1 + 2].reshape(4, 4), x[1, 4:8, 8:12])
    np.testing.assert_array_equal(networks.image(cut), x)


@pytest.mark.parametrize("side", [8, 16])
@pytest.mark.parametrize("num_encodings", [1, 2])
def test_images_go_through_every_expert(side, num_encodings):
    net = networks.Mixture(3, 2, 5, 4, side, num_encodings)
    x, noise = jnp.ones((5, side, side)), jnp.zeros((3, 5, 4))
    passed, _ = jax.eval_shape(net.init_with_output, jax.random.key(0), x, noise)
    assert passed.mean.shape == passed.log_variance.shape == (3, 5, 4)
    assert passed.reconstruction.shape == (3, 5, side, side)
    assert passed.logits.shape == (5, 3) and passed.log_scale.shape == (3, 2)
    assert (passed.again is None) == (num_encodings == 1)


def test_experts_begin_apart():
    net = networks.Mixture(3, 2, 5, 4, 8, 1)
    x, noise = jnp.ones((5, 8, 8)), jnp.zeros((3, 5, 4))
    passed, _ = jax.jit(net.init_with_output)(jax.random.key(0), x, noise)
    assert np.ptp(np.asarray(passed.mean), axis=0).max() > 0
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(passed))


def test_the_divergence_is_that_of_the_closed_form():
    mean, log_variance = jnp.array([[[1.0, 0.0]]]), jnp.log(jnp.array([[[1.0, 4.0]]]))
    passed = networks.Passed(mean, log_variance, mean, None, mean, mean)
    np.testing.assert_allclose(
        train.divergence(passed), [[0.5 + 0.5 * (4 - 1 - np.log(4))]], rtol=1e-6
    )


def test_the_best_scale_is_the_root_mean_square_error():
    """Gradients by log s vanish where s² is the mean squared error."""
    error = np.random.default_rng(0).standard_normal((1, 3, 50)).astype(np.float32)
    best = 0.5 * np.log(np.mean(error**2, axis=(1, 2)))
    slope = jax.jit(jax.grad(lambda s: jnp.sum(train._likelihood(jnp.asarray(error), s))))
    np.testing.assert_allclose(slope(best), [0.0], atol=1e-3)
    assert float(slope(best + 0.1)[0]) > 1 > -1 > float(slope(best - 0.1)[0])


@pytest.mark.slow
def test_the_gradient_is_that_of_finite_differences(float64):
    net = networks.Mixture(2, 2, 3, 2, 8, 2)
    images = jnp.asarray(np.random.default_rng(1).standard_normal((3, 8, 8)))
    given = jax.random.key(0), images, jnp.zeros((2, 3, 2))
    params = jax.jit(net.init)(*given)["params"]
    params = jax.tree.map(lambda x: np.asarray(x, np.float64), params)

    def value(params):
        return train.loss(params, net, images, jax.random.key(2), 0.0)

    way = jax.tree.map(lambda x: np.cos(np.arange(x.size) + 1.0).reshape(x.shape), params)
    # The second code's distance takes the first encoder's mean as given.
    way["experts"]["encoder"] = jax.tree.map(np.zeros_like, params["experts"]["encoder"])

    def along(h):
        return value(jax.tree.map(lambda p, d: p + h * d, params, way))

    at = jax.jit(jax.value_and_grad(along))
    rise, slope = float(at(1e-5)[0] - at(-1e-5)[0]), float(at(0.0)[1])
    assert rise / 2e-5 == pytest.approx(slope, rel=1e-6)


@pytest.mark.long
def test_runs_side_by_side_are_those_alone(drawn):
    both, alone = TINY, Config(**{**vars(TINY), "seeds": (3,)})
    ends = []
    for config, clean in ((both, drawn), (alone, drawn[1:])):
        state = jax.jit(train.initial_state, static_argnums=0)(config)
        step, draw = train.make_step(config), train.draw(config, clean)
        for i in range(3):
            state, _ = step(state, draw(i))
        ends.append(jax.tree.map(lambda x: x[-1], state.params))
    for ours, theirs in zip(*map(jax.tree.leaves, ends), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_thresholds_hold_whatever_the_scores():
    """Of all 20 ranks that a fresh clean score may take, one in four is above: p = 1/4."""
    random = np.random.default_rng(0)
    scores = random.standard_cauchy((4000, 20))
    fresh, held_out = scores[:, 0], scores[:, 1:]
    of = [Detector(None, None, None, row).threshold(0.25) for row in held_out]
    assert np.mean(fresh > np.asarray(of)) == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize("p", [0.04, 1.0, -0.1])
def test_thresholds_that_held_out_images_cannot_tell_are_refused(p):
    with pytest.raises(checks.InputError, match=r"`false_alarm` must lie between 1/20"):
        Detector(None, None, None, np.arange(19.0)).threshold(p)


@pytest.mark.slow
def test_no_jammer_no_alarm_but_as_often_as_said():
    """The shipped detectors on fresh clean data, and on one jammer."""
    for name, module in (("waterfalls", anomaly.waterfalls), ("snapshots", anomaly.snapshots)):
        detector = anomaly.pretrained.load(name).detector()
        clean = module.sample(jax.random.key(9), 2000)
        share, n = np.mean(detector.alarm(clean, 0.05)), len(detector.held_out)
        assert abs(share - 0.05) < 4 * np.sqrt(0.05 * 0.95 * (1 / 2000 + 1 / n))
    jammed = anomaly.waterfalls.sample(jax.random.key(9), 200, "sweep", -5.0)
    detector = anomaly.pretrained.load("waterfalls").detector()
    assert np.mean(detector.alarm(jammed, 0.05)) > 0.9
    assert detector.reconstruct(jammed).shape == jammed.shape


@pytest.mark.slow
def test_scores_do_not_depend_on_the_company(drawn, tmp_path):
    trained = anomaly_run.run(tmp_path / "out", TINY, save_every=6, command="")
    detector, images = trained.detector(1), drawn[1].held_out
    many = detector.score(np.tile(images, (20, 1, 1)))
    np.testing.assert_allclose(many[:40], detector.score(images), rtol=1e-4)
    assert len(many) == 800
    np.testing.assert_allclose(detector.held_out, detector.score(images), rtol=1e-4)
    with pytest.raises(checks.InputError, match=r"`images` must have shape \[N, 16, 16\]"):
        detector.score(images[0])
    with pytest.raises(checks.InputError, match=r"N from 1, but has shape \(0, 16, 16\)"):
        detector.score(images[:0])
    with pytest.raises(checks.InputError, match="`images` must be finite"):
        detector.score(np.where(images > 0, np.nan, images))
    with pytest.raises(checks.InputError, match="`run` must be one of the 2 from 0, but is 2"):
        trained.detector(2)


@pytest.mark.long
def test_training_goes_on_where_it_was_killed_and_files_hold_it(tmp_path, monkeypatch):
    whole = anomaly_run.run(tmp_path / "whole", TINY, save_every=3, command="a")
    make = train.make_step

    def dying(config):
        step = make(config)

        def one(state, batch):
            if int(state.step[0]) == 4:
                raise KeyboardInterrupt
            return step(state, batch)

        return one

    monkeypatch.setattr(train, "make_step", dying)
    with pytest.raises(KeyboardInterrupt):
        anomaly_run.run(tmp_path / "killed", TINY, save_every=3, command="a")
    assert not (tmp_path / "killed" / "model.npz").exists()
    monkeypatch.setattr(train, "make_step", make)
    killed = anomaly_run.run(tmp_path / "killed", TINY, save_every=3, command="a")
    loaded = anomaly_file.load(tmp_path / "killed" / "model.npz")
    assert loaded.config == TINY
    for other in (killed, loaded):
        for ours, theirs in zip(
            jax.tree.leaves(whole[1:]), jax.tree.leaves(other[1:]), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)
    card = json.loads((tmp_path / "killed" / "model.json").read_text())
    assert card["command"] == "a" and card["num_parameters"] > 0
    with pytest.raises(checks.InputError, match="run with other options"):
        anomaly_run.run(tmp_path / "killed", Config(), save_every=3, command="a")


@pytest.mark.long
def test_the_commands_train_and_judge(tmp_path, capsys):
    out, report, picture = tmp_path / "out", tmp_path / "a.json", tmp_path / "a.png"
    options = "--width 2 --hidden 4 --latent 2 --num-steps 2 --batch-size 4 --data digits"
    assert main(["anomaly", "train", "--out", str(out), *options.split()]) == 0
    model = str(out / "model.npz")
    line = ["anomaly", "evaluate", model, "--json", str(report), "--figure", str(picture)]
    assert main([*line, "--false-alarm", "0.2"]) == 0
    assert "10 networks" in capsys.readouterr().out
    found = json.loads(report.read_text())
    assert found["rows"][0]["kind"] == "digit"
    assert set(found["rows"][0]["area"]) == {"score", "reconstruction", "latent"}
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train --out OUT --num-experts 0", "`num_experts` must be at least 1, but is 0"),
        ("train --out OUT --num-encodings 3", "`num_encodings` must be 1 or 2, but is 3"),
        ("train --out OUT --data noise", "`data` must be one of waterfalls, snapshots, digits"),
        ("train --out OUT --seeds 1 1", "`seeds` must be different numbers from 0"),
        ("evaluate nothing", "`model` must be one of snapshots, waterfalls, or a .npz file"),
        ("evaluate --num-images 0", "`--num-images` must be at least 1, but is 0"),
        ("evaluate --false-alarm 0", "`false_alarm` must lie between 1/"),
    ],
)
def test_mistakes_are_one_line(line, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["anomaly", *line.split()]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert os.listdir(tmp_path) == []
