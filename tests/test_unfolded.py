"""OPT unfolded: the library's steps where nothing is learned, trials, training, the script."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import unfolded
from benchmarks.unfolding import contenders, designs, steps, training
from jaxsec.cdm import pretrained
from jaxsec.checks import InputError
from jaxsec.precoding import gpip
from jaxsec.precoding.batched import algebra
from jaxsec.precoding.closed_form import closed_form
from jaxsec.precoding.gpip.iterate import reduced
from jaxsec.precoding.problem import start_from
from jaxsec.report import judge
from jaxsec.strategy import Strategy
from tests import cases, models

SIZE = {"num_antennas": 2, "num_users": 1, "num_eavesdroppers": 2}
BATCH = 32


def rows(channels, strategy):
    """Channels over the noise, users first, and beams."""
    amplitude = jnp.sqrt(channels.noise_power)[:, None, None]
    h = jnp.concatenate([channels.h_user, channels.h_eve], axis=1) / amplitude
    return h, jnp.concatenate(strategy, axis=-1)


def one_size(scalars):
    """With one size instead of four, which compiles faster."""
    return scalars._replace(sizes=scalars.sizes[:, 1:2])


def rate_of(strategy, channels):
    return judge.secrecy_rates(strategy, channels).sum(axis=-1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "start", [pytest.param(contenders.CLOSED_FORM, marks=pytest.mark.long), "a design"]
)
def test_nothing_learned_is_the_librarys_own_steps(start):
    channels = cases.channels(0, BATCH, **SIZE)
    schedule = contenders.own_schedule(start, 3)
    if start == contenders.CLOSED_FORM:
        given, plain = None, gpip.opt(*channels, smoothing=schedule).strategy
    else:
        given = cases.random_strategy(1, BATCH, 2, 1, 2)
        plain = gpip.refine(given, *channels, num_steps=3)
    same = designs.unfolded(channels, steps.unchanged(schedule), given)
    np.testing.assert_allclose(rate_of(same, channels), rate_of(plain, channels), rtol=1e-4)
    for ours, theirs in zip(same, plain, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-3)


@pytest.mark.long
def test_trials_with_momentum_are_beams_of_unit_power_and_their_gains(float64):
    """The powers of trials are from inner products, the beams from their sum: they must agree."""
    channels = cases.at_snr(2, 4, 2, 1, 2, 20.0)
    h, u = rows(channels, cases.random_strategy(3, 4, 2, 1, 2))
    scalars = jax.tree.map(
        lambda x: x.astype(jnp.float64), steps.unchanged(gpip.annealing(3), momentum=0.7)
    )

    @jax.jit
    def run(h, u):
        _, problem = reduced(h, jnp.ones((4, 1)))
        return problem, steps.run(problem, start_from(problem, algebra.split(u)), scalars)

    problem, state = run(h, u)
    power = np.sum(state.iterate.f.abs2(), axis=(0, 1))
    np.testing.assert_allclose(power, 1.0, rtol=1e-9)
    heard = algebra.hermitian_product(problem.h, state.iterate.f)
    for ours, theirs in ((state.iterate.y.re, heard.re), (state.iterate.y.im, heard.im)):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert np.any(np.abs(np.asarray(state.change.f.re)) > 1e-6)
    best = algebra.join(state.best)
    reached = rate_of(Strategy(best[..., :1], best[..., 1:]), channels)
    np.testing.assert_allclose(state.rate, reached, rtol=1e-6)


@pytest.mark.slow
def test_gradients_are_finite_wherever_channels_and_scalars_are():
    channels = cases.channels(4, BATCH, **SIZE)
    h, u = rows(channels, cases.random_strategy(5, BATCH, 2, 1, 2))
    h = h.at[0].set(0.0)  # nothing to be heard
    h = h.at[1].set(1e4 * h[1]).at[2].set(1e-4 * h[2])
    h = h.at[3, 2].set(h[3, 0]).at[4, 1].set(h[4, 0])  # receivers who are alike
    h = h.at[5, 2].set(0.0).at[6, 0].set(0.0)
    u = u.at[7].set(0.0).at[8, :, 1:].set(0.0)  # no beams, no noise
    usual = one_size(steps.unchanged(gpip.annealing(training.MAX_STEPS), momentum=0.5))
    for scalars in (
        usual,
        usual._replace(smoothing=jnp.full_like(usual.smoothing, -12.0)),
        usual._replace(smoothing=jnp.full_like(usual.smoothing, 9.0)),
        usual._replace(sizes=usual.sizes + 5.0, momentum=usual.momentum - 30.0),
    ):
        rate, gradient = training.rate_and_gradient(
            scalars, h, u, jnp.asarray(training.MAX_STEPS), num_users=1
        )
        assert np.isfinite(rate)
        assert all(np.isfinite(x).all() for x in jax.tree.leaves(gradient))
        assert not np.any(gradient.search)
    assert np.any(gradient.sizes) and np.any(gradient.momentum)


@pytest.mark.slow
@pytest.mark.parametrize("smoothing_alone", [False, True])
def test_training_raises_the_rate_on_channels_that_it_has_not_seen(smoothing_alone):
    config = training.Config(num_updates=20, batch=BATCH, learning_rate=0.1, num_validation=BATCH)
    channels = cases.channels(6, config.num_channels, **SIZE)
    initial = one_size(steps.unchanged(gpip.annealing(2)))
    learned, rates = training.train(
        initial,
        *rows(channels, jax.jit(closed_form)(*channels)),
        config,
        num_users=1,
        smoothing_alone=smoothing_alone,
    )
    assert rates.shape == (20,) and np.isfinite(rates).all()
    assert learned.sizes.shape == initial.sizes.shape
    unseen = cases.channels(7, BATCH, **SIZE)
    h, u = rows(unseen, jax.jit(closed_form)(*unseen))

    def reached(scalars):
        scalars = jax.tree.map(lambda x: training.filled(x, training.MAX_STEPS), scalars)
        return training.kept_rate(scalars, h, u, jnp.asarray(2), num_users=1)

    assert reached(learned) > reached(initial)
    if smoothing_alone:
        np.testing.assert_array_equal(learned.search, learned.smoothing)
        np.testing.assert_array_equal(learned.sizes, initial.sizes)
        assert not np.any(learned.momentum)
    else:
        np.testing.assert_array_equal(learned.search, initial.search)
        assert np.any(learned.sizes != initial.sizes) and np.any(learned.momentum)


@pytest.mark.long
def test_the_script_trains_compares_and_reports(monkeypatch, tmp_path, capsys, no_type_checks):
    monkeypatch.setattr(contenders, "LONG", (3,))
    monkeypatch.setattr(pretrained, "load", lambda name: models.tiny())
    monkeypatch.setattr(unfolded, "STARTS", (*contenders.STARTS, "tiny"))
    path = tmp_path / "report.json"
    arguments = unfolded.Arguments(
        only="streets",
        num_steps=(1, 2),
        starts=(contenders.CLOSED_FORM, "tiny"),
        num_channels=20,
        num_updates=2,
        rounds=1,
        json=path,
    )
    with jax.numpy_rank_promotion("allow"):
        assert unfolded.main(arguments, ["--only", "streets"]) == 0
    written = json.loads(path.read_text())
    by_name = {(row["start"], row["way"], row["num_steps"]): row for row in written["rows"]}
    assert len(by_name) == len(written["rows"]) == 1 + 2 * 4 + 2 + 1 + 2 * 3
    for (_, way, _), row in by_name.items():
        assert 0.0 < row["of_best"] <= 1.0 and 0.0 <= row["worst"] <= 1.0 and row["us"] > 0
        assert (row["fewer"] is None) == (way in ("none", "plain"))
    for start in arguments.starts:
        assert by_name[start, "none", 0]["rate"] < by_name[start, "plain", 2]["rate"]
    assert by_name["tiny", "plain", 1]["us"] > by_name["tiny", "none", 0]["us"]
    assert [claim["holds"] for claim in written["claims"]] == [True]
    assert len(written["learned"]) == 2 * 2 + 2
    printed = capsys.readouterr().out
    assert "smoothing learned" in printed and "python -m benchmarks.unfolded" in printed


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"only": "moon"}, "`--only` must be of rayleigh, streets, but is moon"),
        ({"starts": ("tiny",)}, "`--starts` must be of closed form, setnet-robust, cdm-f, but is"),
        ({"num_steps": (2, 9)}, r"`--num-steps` must lie in \[1, 8\], but is 2 9"),
        ({"num_steps": ()}, r"`--num-steps` must lie in \[1, 8\], but is empty"),
        ({"num_channels": 1}, "`--num-channels` must be at least 2, but is 1"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_trained(given, message):
    with pytest.raises(InputError, match=message):
        unfolded.main(unfolded.Arguments(**given), [])
