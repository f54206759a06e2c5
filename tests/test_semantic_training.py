"""Training of coders and adversaries: losses, determinism, files, and a run resumed exactly."""

import dataclasses
import functools
import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec import keys
from jaxsec.checks import InputError
from jaxsec.cli.__main__ import main
from jaxsec.cli.semantic.train import ScenarioOptions
from jaxsec.learning import loop
from jaxsec.semantic import eavesdropper, judge, networks, pretrained, source, train
from jaxsec.semantic import file as coder_file
from jaxsec.semantic.eavesdropper import Code
from jaxsec.semantic.file import Model
from jaxsec.semantic.links import Hard
from jaxsec.semantic.scenario import SCENARIOS, Scenario
from jaxsec.semantic.source import Batch
from jaxsec.semantic.train import Config
from tests.training_cases import drawn

TINY = Config(
    scenario=Scenario(bob=(0.0, 0.1), eve=(0.1, 0.4), bits=4),
    leakage_weights=(0.0, 3.0),
    seeds=(0, 5),
    width=8,
    adversary_width=8,
    num_steps=6,
    batch_size=8,
    adversary_steps=1,
    num_draws=2,
)
OPTIONS = (
    "--bob 0.0 0.1 --eve 0.1 0.4 --bits 4 --leakage-weights 0 3 --seeds 0 5 --width 8 "
    "--adversary-width 8 --num-steps 6 --batch-size 8 --adversary-steps 1 --num-draws 2 "
    "--save-every 2"
)
WORDS = OPTIONS.split()


@pytest.fixture(scope="module", autouse=True)
def one_step():
    """Trainings of the same configuration share a step, compiled once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "make_step", functools.cache(train.make_step))
        yield


@pytest.fixture(scope="module")
def pictures():
    return source.load()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a run of TINY."""
    out = tmp_path_factory.mktemp("semantic") / "run"
    assert main(["semantic", "train", "--out", str(out), *WORDS]) == 0
    return out


@pytest.fixture(scope="module")
def step():
    return train.make_step(TINY)


def leaves(tree):
    return [np.asarray(x) for x in jax.tree.leaves(tree)]


@pytest.mark.long
def test_trainings_side_by_side_start_alike_and_go_their_ways(pictures, step):
    state = train.initial_state(TINY)
    for leaf in leaves(state.coder.params):
        np.testing.assert_array_equal(leaf[0], leaf[1])
    batch = source.sample_step(pictures[0], TINY.seeds, 0, TINY.batch_size)
    state, _ = step(state, batch)
    for leaf in leaves(state.coder):  # where λ has not risen yet
        np.testing.assert_array_equal(leaf[0], leaf[1])
    for _ in range(2):  # the rate is 0 in the first step of a warm-up
        state, _ = step(state, batch)
    moved = leaves(state.coder.params["encoder"])
    assert any((leaf[0] != leaf[1]).any() for leaf in moved)  # λ
    assert any((leaf[:, 0] != leaf[:, 1]).any() for leaf in moved)  # seeds
    decoders = leaves(state.coder.params["decoder"])
    assert all(np.isfinite(leaf).all() for leaf in moved + decoders)


def test_a_fresh_eve_is_larger_than_the_adversary_of_training():
    config = Config()
    bits = jnp.zeros((1, config.scenario.num_bits))
    adversary = jax.eval_shape(lambda: train.initial_params(config, jax.random.key(0))[1])
    eve = jax.eval_shape(lambda: eavesdropper.NETWORK.init(jax.random.key(0), bits))
    size = {
        name: sum(x.size for x in jax.tree.leaves(p))
        for name, p in {"eve": eve, "adversary": adversary}.items()
    }
    assert size["eve"] > 3 * size["adversary"]


def test_the_loss_has_its_three_parts(pictures):
    """In closed form: a deaf decoder, bits of known logits, an adversary that says nothing."""
    shapes = jax.eval_shape(lambda key: train.initial_params(TINY, key), jax.random.key(0))
    coder, silent = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), shapes)
    for of_channel in coder["encoder"]["params"].values():
        of_channel["Dense_2"]["bias"] = jnp.array([1.0, 1.0, -1.0, -1.0])  # logits are ±SURE
    batch = source.sample(pictures[0], np.random.default_rng(0), 16)
    losses = jax.jit(train.coder_losses, static_argnums=0)(
        TINY, coder, silent, jax.random.key(1), batch
    )
    p = 1 / (1 + np.exp(-networks.SURE))
    rate = 8 * (np.log(2.0) + p * np.log(p) + (1 - p) * np.log(1 - p))
    grey = np.mean(np.sum((np.asarray(batch.pictures) - 0.5) ** 2, axis=-1))
    assert losses.distortion == pytest.approx(grey, rel=1e-5)
    assert losses.rate == pytest.approx(rate, rel=1e-3)
    assert losses.leakage == pytest.approx(0.0, abs=1e-5)


def test_the_gradient_of_the_distortion_is_that_of_finite_differences(pictures):
    """In the decoder, where nothing is drawn at random."""
    shapes = jax.eval_shape(lambda key: train.initial_params(TINY, key), jax.random.key(0))
    coder, adversary = drawn(shapes)
    batch = Batch(*map(jnp.asarray, source.sample(pictures[0], np.random.default_rng(0), 4)))
    bias = np.asarray(coder["decoder"]["params"]["Dense_2"]["bias"])

    @jax.jit
    @jax.value_and_grad
    def loss(bias):
        params = jax.tree.map(lambda x: x, coder)
        params["decoder"]["params"]["Dense_2"]["bias"] = bias
        return train.coder_losses(TINY, params, adversary, jax.random.key(1), batch).distortion

    gradient = np.asarray(loss(bias)[1])
    toward = gradient / np.linalg.norm(gradient)
    change = float(loss(bias + 0.05 * toward)[0] - loss(bias - 0.05 * toward)[0]) / 0.1
    assert np.linalg.norm(gradient) == pytest.approx(change, rel=2e-3)


@pytest.mark.slow
def test_an_eavesdropper_learns_what_is_sent_in_the_clear_and_no_more_than_the_channel(
    monkeypatch,
):
    monkeypatch.setattr(eavesdropper, "BATCH_SIZE", 128)
    secret = jnp.arange(9 * 60) % 9
    words = jnp.asarray(np.random.default_rng(0).choice([-40.0, 40.0], (9, 8)), jnp.float32)
    code = Code(words[secret], secret)
    fit = jax.jit(eavesdropper.fit, static_argnames="num_steps")
    found = []
    for p in (0.0, 0.3, 0.5):
        link = Hard(jnp.full(8, p))
        params = fit(keys.stream(0, "fit"), code, link, num_steps=60)
        found.append(eavesdropper.judge(keys.stream(0, "judge"), params, code, link))
        assert found[-1].bits <= link.capacity().sum() + 0.02
    assert found[0].accuracy == 1.0
    assert found[0].accuracy > found[1].accuracy > found[2].accuracy
    assert found[2].accuracy == pytest.approx(1 / 9, abs=0.06)


@pytest.mark.slow
def test_a_run_killed_between_checkpoints_ends_as_if_it_had_not_been(
    trained, tmp_path, monkeypatch
):
    out = tmp_path / "run"
    real, calls = loop.Checkpoints.save, []

    def save(self, step, state):
        calls.append(step)
        if step == 4:
            raise KeyboardInterrupt
        real(self, step, state)

    monkeypatch.setattr(loop.Checkpoints, "save", save)
    assert main(["semantic", "train", "--out", str(out), *WORDS]) == 130
    assert not (out / "model.npz").exists()
    monkeypatch.setattr(loop.Checkpoints, "save", real)
    assert main(["semantic", "train", "--out", str(out), *WORDS]) == 0
    assert calls == [2, 4]
    with np.load(out / "model.npz") as ours, np.load(trained / "model.npz") as theirs:
        assert set(ours.files) == set(theirs.files)
        for name in ours.files:
            np.testing.assert_array_equal(ours[name], theirs[name])


@pytest.mark.slow
def test_a_file_has_what_was_trained_and_its_card_says_how(trained):
    model = coder_file.load(trained / "model.npz")
    assert model.config == TINY
    assert all(leaf.shape[:2] == (2, 2) for leaf in leaves(model.coder))
    card = json.loads((trained / "model.json").read_text())
    assert card["command"].startswith("jaxsec semantic train --out ")
    assert card["pictures"] == 1348 * 9
    assert card["num_parameters"] == sum(leaf.size for leaf in leaves(model.one(0, 0)))


@pytest.mark.slow
def test_weights_of_another_configuration_are_refused(trained, tmp_path):
    model = coder_file.load(trained / "model.npz")
    wider = Model(dataclasses.replace(TINY, width=9), model.coder)
    coder_file.save(tmp_path / "wider.npz", wider, {})
    with pytest.raises(InputError, match=r"wider\.npz: the weights do not fit the networks"):
        coder_file.load(tmp_path / "wider.npz")


@pytest.fixture(scope="module")
def judged(trained, pictures, tmp_path_factory):
    """Report, table and picture of TINY, on few pictures and by Eves who hardly learn."""
    out = tmp_path_factory.mktemp("judged")
    few = tuple(jax.tree.map(lambda x: x[::3], one) for one in pictures)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "load", lambda: few)
        patch.setattr(judge, "_fit", jax.jit(lambda *a: eavesdropper.fit(*a, num_steps=20)))
        words = ["--json", str(out / "report.json"), "--figure", str(out / "report.png")]
        assert main(["semantic", "evaluate", str(trained / "model.npz"), *words]) == 0
    return out


@pytest.mark.slow
def test_a_report_says_what_both_know_and_that_noise_helps(judged):
    report = json.loads((judged / "report.json").read_text())
    assert [row["leakage_weight"] for row in report["rows"]] == [0.0, 3.0]
    limits = {who: sum(bits) for who, bits in report["capacity_bits"].items()}
    for row in report["rows"]:
        assert row["eve_bits"]["value"] <= row["bayes_bits"]["value"] + 0.05
        assert row["bayes_bits"]["value"] <= limits["eve"]
        assert row["bayes_bits"]["value"] <= row["bob_bits"]["value"] <= limits["bob"]
        by_noise = [mean["value"] for mean in row["by_noise"]]
        assert (np.diff(by_noise) <= 2.0).all() and by_noise[-1] < by_noise[0]
    assert report["rows"][0]["lost_db"]["value"] == 0.0
    assert (judged / "report.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", SCENARIOS)
def test_a_kind_of_channel_has_its_own_scenario_but_for_what_is_given(kind):
    assert ScenarioOptions(kind).scenario() == SCENARIOS[kind]
    own = SCENARIOS[kind]
    changed = ScenarioOptions(kind, eve=own.eve[::-1], bits=3).scenario()
    assert changed == Scenario(kind, own.bob, own.eve[::-1], 3)


def test_help_says_every_kinds_own_scenario(capsys):
    assert main(["semantic", "train", "--help"]) == 0
    words = " ".join(re.sub(r"[^\w.()-]", " ", capsys.readouterr().out).split())
    for kind, scenario in SCENARIOS.items():
        eve = " ".join(f"{number:g}" for number in scenario.eve)
        assert f"{eve} ({kind})" in words
        unit = "" if kind == "bsc" else " dB"
        assert f"{scenario.bob[0]:g}{unit} ({kind})" in words and len(set(scenario.bob)) == 1


def test_a_file_that_names_no_kind_of_channel_is_of_flipped_bits():
    assert "channel" not in json.loads((pretrained.FOLDER / "parallel.json").read_text())["config"]
    assert pretrained.load("parallel").config.scenario == Scenario()


@pytest.mark.long
def test_soft_values_are_trained_on_saved_and_judged_by_the_commands(tmp_path, monkeypatch):
    monkeypatch.setattr(judge, "_fit", jax.jit(lambda *a: eavesdropper.fit(*a, num_steps=20)))
    own = "--channel rayleigh --bob 5 2 --eve -1.5 -20 --leakage-weights 3 --seeds 0"
    out = str(tmp_path / "run")
    assert main(["semantic", "train", "--out", out, *WORDS, *own.split()]) == 0
    path = tmp_path / "run" / "model.npz"
    links = Scenario("rayleigh", bob=(5.0, 2.0), eve=(-1.5, -20.0), bits=4)
    assert coder_file.load(path).config.scenario == links
    assert main(["semantic", "evaluate", str(path), "--json", str(tmp_path / "report.json")]) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    limits = {who: sum(bits) for who, bits in report["capacity_bits"].items()}
    (row,) = report["rows"]
    assert row["bayes_bits"]["value"] <= limits["eve"] < limits["bob"]
    assert row["bayes_bits"]["value"] <= row["bob_bits"]["value"] <= limits["bob"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("train --out run --channel awgn --eve 3 0 0 0", "`eve` must not be better than `bob` in"),
        ("train --out run --bits 0", "`bits` must be at least 1, but is 0"),
        ("train --out run --eve 0.1", "`bob` and `eve` must name a crossover probability for"),
        ("train --out run --bob", "for each of the same channels, but name 0 and 4"),
        ("train --out run --leakage-weights -1", "`leakage_weights` must be at least 0, but has"),
        ("train --out run --seeds -1", "`seeds` must lie in [0, 2**31), but has -1"),
        ("train --out run --save-every 0", "`--save-every` must be at least 1, but is 0"),
        ("train --out run --width 0", "`width` must be at least 1, but is 0"),
        ("evaluate nothing.npz", "nothing.npz: there is no such file"),
        ("evaluate coder", "`model` must be one of parallel"),
        ("evaluate --figure a.txt", "a.txt: the file must end in"),
    ],
)
def test_mistakes_are_named_in_one_line(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["semantic", *words.split()]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
