"""Policies in files: read as written, refused when damaged or edited."""

import contextlib
import dataclasses
import hashlib
import json

import jax
import numpy as np
import pytest

import jaxsec
from jaxsec.jamming import file as policy_file
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.scenario import JammingScenario
from jaxsec.rl import learner
from tests.training_cases import TINY, drawn, equal

SMALL = JammingScenario(num_access_points=2, num_users=2, num_eavesdroppers=1)
CARD = {"command": "jaxsec jamming train"}


@pytest.fixture(scope="module")
def trained():
    """Fresh networks of two seeds, as if they had been trained."""
    config = dataclasses.replace(TINY, policy="moe-gdm")
    agent = learner.make_agent(config, Environment(SMALL))
    networks = jax.vmap(lambda key: learner.networks(agent, key))
    shapes = jax.eval_shape(networks, jax.random.split(jax.random.key(0), 2))
    actor, critic = drawn(shapes)
    return policy_file.Trained(SMALL, config, actor, critic)


@pytest.fixture
def saved(trained, tmp_path):
    policy_file.save(tmp_path / "policy.npz", trained, CARD)
    return tmp_path / "policy.npz"


def test_a_policy_is_read_as_it_was_written(trained, saved):
    again = policy_file.load(saved)
    assert again.scenario == trained.scenario and again.config == trained.config
    equal(again.actor, trained.actor)
    equal(again.critic, trained.critic)
    assert json.loads(saved.with_suffix(".json").read_text())["command"] == CARD["command"]
    written = saved.read_bytes()
    policy_file.save(saved, again, CARD)
    assert saved.read_bytes() == written


def refused(path, message):
    with pytest.raises(jaxsec.InputError, match=message) as caught:
        policy_file.load(path)
    named = str(caught.value)
    assert "\n" not in named and named.startswith(str(path.with_suffix("")))


def test_a_damaged_policy_is_refused(saved, no_type_checks):
    card, weights = saved.with_suffix(".json"), saved.read_bytes()
    text = card.read_text()
    for damaged in (b"", weights[:-100], weights[:500] + b"?" + weights[501:]):
        saved.write_bytes(damaged)
        refused(saved, "the weights are damaged, or not those that policy.json tells of")
    saved.write_bytes(weights)
    for damaged in ("{}", text.replace('"sha256": "', '"sha256": "0')):
        card.write_text(damaged)
        refused(saved, "the weights are damaged, or not those that policy.json tells of")
    for damaged in ("[]", '"text"'):
        card.write_text(damaged)
        refused(saved, r"policy\.json: is damaged: it must hold a JSON object")
    for damaged in (b"", text.encode()[:50], b"\xff\xfe"):
        card.write_bytes(damaged)
        refused(saved, r"policy\.json: is damaged: it is not JSON")
    card.write_text(text.replace('"width": 8', '"width": 9', 1))
    refused(saved, "the configuration must be that of the card, of schema 1")
    card.unlink()
    refused(saved, r"policy\.json: the card must lie beside the weights, but there is none")
    saved.unlink()
    refused(saved, "there is no such file")
    refused(saved.with_suffix(".mat"), "must end in .npz")


def edit(path, change):
    """Rewrites the weights, and their hash and configuration on the card."""
    with np.load(path) as file:
        arrays = dict(file)
    change(arrays)
    np.savez(path, **arrays)
    card = json.loads(path.with_suffix(".json").read_text())
    card["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    with contextlib.suppress(KeyError, ValueError):  # what is no configuration has no place there
        card["config"] = json.loads(str(arrays["config"]))
    path.with_suffix(".json").write_text(json.dumps(card))


def set_config(where, key, value):
    def change(arrays):
        config = json.loads(str(arrays["config"]))
        (config[where] if where else config)[key] = value
        arrays["config"] = np.asarray(json.dumps(config))

    return change


def set_array(name, value):
    return lambda arrays: arrays.update({name: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_config("", "schema", 2), "the configuration must be that of the card, of schema 1"),
        (set_config("training", "width", 16), "the weights do not fit the networks"),
        (set_config("training", "num_experts", 2), "the weights do not fit the networks"),
        (set_config("training", "policy", "ddpg"), "the weights do not fit the networks"),
        (set_config("training", "policy", "sac"), "`policy` must be one of"),
        (set_config("scenario", "num_users", 3), "the weights do not fit the networks"),
        (set_config("scenario", "num_users", 0), "`num_users` must be at least 1"),
        (set_config("scenario", "metrics", [["wealth", 1.0]]), "`metrics` must name one of"),
        (set_config("training", "luck", 1), "the configuration is not one of jaxsec's"),
        (set_config("", "sizes", [[3, 3]]), "the configuration is not one of jaxsec's"),
        (set_config("", "sizes", [[3, 3, "2"]]), "the configuration is not one of jaxsec's"),
        (set_config("", "sizes", [[2, 2, 1]]), "`sizes` must be several, the scenario's first"),
        (set_config("", "sizes", [[2, 2, 1], [0, 3, 2]]), "`num_access_points` must be at least 1"),
        (set_config("scenario", "metrics", 3), "the configuration is not one of jaxsec's"),
        (set_config("training", "width", "wide"), "the configuration is not one of jaxsec's"),
        (lambda arrays: arrays.pop("config"), "the configuration is not one of jaxsec's"),
        (set_array("config", np.zeros(3)), "the configuration is not one of jaxsec's"),
        (set_array("actor/gate/bias", np.zeros((2, 4), np.float32)), "do not fit the networks"),
        (set_array("actor/more", np.zeros((2, 4), np.float32)), "do not fit the networks"),
        (set_array("actor/gate", np.zeros((2, 4), np.float32)), "do not fit the networks"),
        (set_array("luck", np.zeros((2, 4), np.float32)), "do not fit the networks"),
        (lambda arrays: arrays.pop("actor/gate/bias"), "do not fit the networks"),
        (set_array("actor/gate/bias", np.full((2, 3), np.nan, np.float32)), "must be finite"),
        (set_array("actor/gate/bias", np.zeros((2, 3))), "or float16, but is float64"),
    ],
)
def test_an_edited_policy_is_refused(saved, change, message, no_type_checks):
    edit(saved, change)
    refused(saved, message)


def test_what_is_no_archive_is_refused(saved, no_type_checks):
    saved.write_bytes(b"PK no archive")
    card = {"sha256": hashlib.sha256(saved.read_bytes()).hexdigest()}
    saved.with_suffix(".json").write_text(json.dumps(card))
    refused(saved, "damaged")


def test_a_metric_of_ones_own_is_not_written(trained, tmp_path):
    own = dataclasses.replace(SMALL, metrics=((lambda outcome: outcome.power[0], 1.0),))
    with pytest.raises(jaxsec.InputError, match="`metrics` must be named to be written to a file"):
        policy_file.save(tmp_path / "policy.npz", trained._replace(scenario=own), CARD)
    assert not (tmp_path / "policy.npz").exists()
