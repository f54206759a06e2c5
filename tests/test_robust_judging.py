"""How candidates of a robust design are told apart on draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsec import secrecy
from jaxsec.cdm import sampler
from jaxsec.channels import knowledge
from jaxsec.precoding.robust import draws as drawing
from jaxsec.precoding.robust import heard, iterate, problem, split
from tests import cases


@pytest.mark.parametrize(
    ("margin", "lead", "wanted"), [(0.0, 1e-3, 1), (0.0025, 1e-3, 0), (0.0025, 4e-3, 1)]
)
def test_the_first_candidate_is_kept_where_draws_tell_no_difference(margin, lead, wanted):
    """A second one, which is told from it by its rates, is worth more by a share `lead`."""

    class Told(secrecy.Mean):
        def value(self, rates):
            return jnp.where(jnp.mean(rates, axis=0) < middle, 10.0 * (1.0 + lead), 10.0)

    channels = cases.channels(seed=31, n=4)
    scale = 1.0 / np.sqrt(np.asarray(channels.noise_power))[:, None, None]
    h_user, h_eve = (np.asarray(h) * scale for h in channels[:2])
    known = problem.reduced(knowledge.estimated(h_user, h_eve, 0.01, 0.5), jnp.ones(4))[0]
    draws = drawing.sample(jax.random.key(3), 384, 6, 6, 2)
    start = iterate.starts(known, draws, draws, secrecy.MEAN, 2, 2).first
    other = start._replace(f=start.f.scale(jnp.full((4,), 0.5)))
    rates = [heard.sum_rates(known, draws, beams, 2) for beams in (start, other)]
    means = [np.asarray(jnp.mean(x, axis=0)) for x in rates]
    assert np.all(means[1] < means[0])
    middle = (means[0] + means[1]) / 2.0
    found = iterate.better(known, draws, [start, other], Told(), 2, margin)
    np.testing.assert_array_equal(found.f.re, (start, other)[wanted].f.re)

    parts = jax.lax.map(
        lambda part: heard.sum_rates(known, part, start, 2), drawing.parts(draws, 128)
    )
    np.testing.assert_allclose(parts.reshape(384, 4), rates[0], rtol=1e-4)
    few = heard.sum_rates(known, drawing.first(draws, 48), start, 2)
    np.testing.assert_allclose(few, rates[0][:48], rtol=1e-4)


@pytest.mark.parametrize(
    ("margin", "ahead", "wanted"),
    [(0.0, 1e-3, 2), (-0.005, 4e-3, 1), (-0.005, 6e-3, 2), (0.0025, -2e-3, 2), (0.0025, -4e-3, 1)],
)
def test_samples_and_what_is_beside_them_are_told_apart_by_a_margin(margin, ahead, wanted):
    rates = jnp.array([[1.0, jnp.nan], [2.0, jnp.nan], [2.0 * (1.0 + ahead), 0.0]])
    np.testing.assert_array_equal(sampler.preferred(rates, 2, margin), [wanted, 2])


def test_powers_are_found_at_the_vertex_of_a_parabola_through_nearby_values():
    x = np.asarray(split.TURNS, np.float32)
    values = [-np.square(x - 0.02), -np.square(x - 0.3), np.square(x + 0.01), 0.0 * x]
    found = split._vertex(jnp.asarray(np.stack(values, axis=1)))
    np.testing.assert_allclose(found, [0.02, x[-1], x[-1], 0.0], atol=1e-5)
