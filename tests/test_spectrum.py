"""Spectrum waterfalls: their generator against closed forms, masks, and what needs no training."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec import checks
from jaxsec.spectrum import (
    PATTERNS,
    Scenario,
    Waterfall,
    baselines,
    masks,
    sample,
    selector,
    source,
)

SCENARIO = Scenario()
COUNT = 200


@functools.cache
def scenes():
    """Waterfalls of all patterns, under regular masks."""
    batch = sample(jax.random.key(3), SCENARIO, 5 * COUNT, ("regular",))
    return jax.tree.map(np.asarray, batch)


def drawn(pattern):
    """Those of one pattern."""
    mine = scenes().waterfall.pattern == PATTERNS.index(pattern)
    return jax.tree.map(lambda x: x[mine], scenes())


@functools.cache
def masked(kind):
    """Many masks."""
    size = (SCENARIO.num_slots, SCENARIO.num_channels)
    draw = jax.jit(jax.vmap(lambda key: masks.sample(key, kind, *size)))
    return np.asarray(draw(jax.random.split(jax.random.key(4), 64)))


@pytest.mark.slow
def test_without_a_jammer_nothing_is_jammed():
    batch = drawn("none")
    assert not batch.waterfall.jammed.any() and not batch.history.jammed.any()
    whole = Waterfall(*map(jnp.asarray, batch.waterfall))
    assert (np.asarray(whole.occupied) == batch.waterfall.used).all()


@pytest.mark.parametrize("pattern", PATTERNS[1:])
def test_a_jammer_fills_the_same_share_of_every_slot(pattern):
    jammed = drawn(pattern).waterfall.jammed
    share = SCENARIO.tooth_width / SCENARIO.spacing
    np.testing.assert_array_equal(jammed.mean(axis=2), share)
    np.testing.assert_array_equal(jammed, np.roll(jammed, SCENARIO.spacing, axis=2))


def test_a_sweep_visits_every_channel_equally_and_moves_by_one():
    jammed = drawn("sweep").waterfall.jammed
    turn = jammed[:, : SCENARIO.spacing]
    share = SCENARIO.tooth_width / SCENARIO.spacing
    np.testing.assert_array_equal(turn.mean(axis=1), share)
    np.testing.assert_array_equal(jammed[:, 1:], np.roll(jammed[:, :-1], 1, axis=2))


def test_a_comb_stays_where_it_was_in_the_history():
    batch = drawn("comb")
    assert (batch.waterfall.jammed == batch.history.jammed[:, :1]).all()


def test_seen_every_eighth_slot_a_sweep_is_a_comb():
    """The stroboscope: what the label must tell."""
    for pattern in ("sweep", "comb"):
        seen = drawn(pattern).waterfall.jammed[:, :: masks.STRIDE]
        assert (seen == seen[:, :1]).all()


def test_a_dynamic_jammer_moves_in_a_quarter_of_the_slots():
    batch = drawn("dynamic")
    jammed = np.concatenate([batch.history.jammed, batch.waterfall.jammed], axis=1)
    period = 4 * SCENARIO.spacing
    moved = (jammed[:, 1:] != jammed[:, :-1]).any(axis=2)
    np.testing.assert_array_equal(moved[:, :period].sum(axis=1), SCENARIO.spacing)
    np.testing.assert_array_equal(jammed[:, :period], jammed[:, period:])


@pytest.mark.slow
def test_an_intelligent_jammer_covers_a_user_who_stays():
    staying = dataclasses.replace(SCENARIO, num_users=1, dwell=10**6)
    pattern = (PATTERNS.index("intelligent"),)
    waterfall = sample(jax.random.key(3), staying, 64, ("regular",), pattern).waterfall
    waterfall = jax.tree.map(np.asarray, waterfall)
    assert waterfall.used.any(axis=2).all()
    assert waterfall.jammed[waterfall.used].all()


@pytest.mark.parametrize("pattern", ["none", "sweep"])
def test_users_occupy_what_hopping_at_random_does(pattern):
    """A channel is free of N users with probability (1 - covering starts / starts)^N."""
    used = drawn(pattern).waterfall.used[:, 0]
    starts = SCENARIO.num_channels - SCENARIO.user_width + 1
    channel = np.arange(SCENARIO.num_channels)
    covering = np.minimum(
        np.minimum(channel + 1, SCENARIO.user_width), SCENARIO.num_channels - channel
    )
    expected = 1.0 - (1.0 - covering / starts) ** SCENARIO.num_users
    error = np.sqrt(expected * (1.0 - expected) / len(used))
    assert (np.abs(used.mean(axis=0) - expected) < 4.5 * error).all()


def test_powers_are_in_decibels_over_the_noise_floor():
    waterfall = drawn("comb").waterfall
    idle = waterfall.power[~(waterfall.used | waterfall.jammed)]
    assert idle.mean() == pytest.approx(SCENARIO.noise_floor_dbm, abs=0.02)
    assert idle.std() == pytest.approx(SCENARIO.error_db, rel=0.01)
    low, high = SCENARIO.jammer_dbm
    jammed = np.where(waterfall.jammed & ~waterfall.used, waterfall.power, np.nan)
    level = np.nanmean(jammed, axis=(1, 2))
    assert (level > low - 0.3).all() and (level < high + 0.3).all()
    user = waterfall.used & ~waterfall.jammed
    assert waterfall.power[user].min() > SCENARIO.threshold_dbm


@pytest.mark.parametrize(
    ("kind", "share"), [("pixels", 1 - masks.LOST), ("blocks", 0.75), ("rows", 1 / 8)]
)
def test_masks_keep_their_share(kind, share):
    tolerance = 0.01 if kind == "pixels" else 0.0
    assert masked(kind).mean() == pytest.approx(share, abs=tolerance)


def test_regular_slots_are_equally_far_apart_and_begin_anywhere():
    sensed = [np.flatnonzero(rows) for rows in masked("regular").all(axis=2)]
    assert all((np.diff(at) == masks.STRIDE).all() for at in sensed)
    assert {at[0] for at in sensed} == set(range(masks.STRIDE))


@pytest.mark.parametrize("kind", masks.KINDS)
@pytest.mark.parametrize("way", [baselines.nearest, baselines.soft_impute])
def test_what_is_sensed_is_kept_exactly(kind, way):
    power, mask = drawn("dynamic").waterfall.power[:2], masked(kind)[:2]
    completed = np.asarray(way(jnp.asarray(power), jnp.asarray(mask)))
    np.testing.assert_array_equal(completed[mask], power[mask])
    assert np.isfinite(completed).all()


def test_the_nearest_power_is_one_that_was_sensed():
    power, mask = drawn("sweep").waterfall.power[:2], masked("pixels")[:2]
    completed = np.asarray(baselines.nearest(jnp.asarray(power), jnp.asarray(mask)))
    for whole, given, sensed in zip(completed, power, mask, strict=True):
        assert set(whole.ravel()) <= set(given[sensed])


def test_soft_impute_finds_a_matrix_of_rank_one():
    """Up to what shrinking takes; its channels have no mean, whose loss would change the rank."""
    slots = jnp.asarray([1.0, -1.0] * 6)
    outer = jnp.outer(slots, jnp.sin(1.0 + jnp.arange(8.0)))[None]
    lost = jnp.asarray([[0, 0, 1], [0, 1, 1], [0, 2, 3], [0, 3, 3]])
    mask = jnp.ones(outer.shape, bool).at[tuple(lost.T)].set(False)
    found = baselines.soft_impute(outer, mask, shrinkage=0.05, iterations=200)
    assert float(jnp.abs(found - outer).max()) < 0.15


def test_channels_are_selected_in_the_slots_after_the_last_sensed_one():
    batch = drawn("comb")
    wanted = np.asarray(selector.ahead(jnp.asarray(batch.mask)))
    for rows, ahead in zip(batch.mask.all(axis=2), wanted, strict=True):
        np.testing.assert_array_equal(ahead, np.arange(rows.size) > np.flatnonzero(rows)[-1])


def test_a_comb_is_avoided_by_what_was_idle_and_a_random_choice_meets_its_share():
    batch = jax.tree.map(jnp.asarray, drawn("comb"))
    power, mask = batch.waterfall.power, batch.mask
    key = jax.random.key(0)
    held = selector.held(key, power, mask, SCENARIO.threshold_dbm)
    assert np.nansum(selector.hits(held, batch.waterfall, mask).jammed) == 0.0
    oracle = selector.hits(selector.clear(key, batch.waterfall), batch.waterfall, mask)
    assert np.nansum(oracle.jammed) == np.nansum(oracle.collided) == 0.0
    anywhere = selector.hits(selector.anywhere(key, power.shape), batch.waterfall, mask)
    share = SCENARIO.tooth_width / SCENARIO.spacing
    slots = np.asarray(selector.ahead(mask)).sum()
    error = np.sqrt(share * (1 - share) / slots)
    weighed = np.nansum(np.asarray(anywhere.jammed) * selector.ahead(mask).sum(axis=1)) / slots
    assert abs(weighed - share) < 4 * error


def test_the_same_key_draws_the_same():
    pattern = PATTERNS.index("intelligent")
    draw = jax.jit(lambda key: source.sample(key, SCENARIO, pattern))
    one, other = (draw(jax.random.key(7)) for _ in range(2))
    assert jax.tree.all(jax.tree.map(lambda a, b: bool((a == b).all()), one, other))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spacing": 5}, "`num_channels` must be a multiple of `spacing`, 5"),
        ({"tooth_width": 9}, "`tooth_width` must be at most 8, but is 9"),
        ({"user_width": 40}, "`user_width` must be at most 32, but is 40"),
        ({"dwell": 0}, "`dwell` must be at least 1, but is 0"),
        ({"num_users": -1}, "`num_users` must be at least 0, but is -1"),
        ({"error_db": 0.0}, "`error_db` must be positive"),
        ({"user_dbm": (-110.0, -80.0)}, "`user_dbm` must rise from above the noise floor"),
    ],
)
def test_a_wrong_scenario_is_named(changes, message):
    with pytest.raises(checks.InputError, match=message):
        Scenario(**changes)


@pytest.mark.usefixtures("no_type_checks")
def test_a_wrong_mask_is_named():
    with pytest.raises(checks.InputError, match="`kind` must be one of pixels, blocks"):
        masks.sample(jax.random.key(0), "holes", 32, 32)
    with pytest.raises(checks.InputError, match="`num_slots` must be a multiple of 8, but is 30"):
        masks.sample(jax.random.key(0), "rows", 30, 32)
