"""Policies, parameters and states that the tests of policies share."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxsec.rl import table

O, A, WIDTH, STEPS, B = 5, 3, 8, 3, 12


def normal(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape))


def same(tree):
    """Mean over the devices of a single one."""
    return tree


@functools.cache
def shapes_of(policy):
    """Of its parameters."""
    return jax.eval_shape(policy.init, jax.random.key(0))


def drawn(policy, seed=0):
    """Parameters of its shapes; no bias is zero, and nothing is compiled."""
    return filled(shapes_of(policy), seed)


def filled(shapes, seed=0):
    """Numbers of a layer's usual size in these shapes."""
    leaves, structure = jax.tree.flatten(shapes)
    numbers = [np.random.default_rng([seed, i]) for i in range(len(leaves))]
    scaled = [
        n.normal(0.0, 0.3 if x.ndim == 1 else x.shape[-2] ** -0.5, x.shape)
        for n, x in zip(numbers, leaves, strict=True)
    ]
    return jax.tree.unflatten(structure, scaled)


def noise_of(policy, batch, seed=1):
    shape = jax.eval_shape(lambda: policy.noise(jax.random.key(0), batch)).shape
    assert shape[-2] == batch
    return normal(seed, *shape)


def value_in(observation):
    """A smooth value of actions in states, whose best action moves with the state."""
    goal = jnp.tanh(observation[:, :A])
    return lambda action: -jnp.sum((action - goal) ** 2, axis=-1) + jnp.prod(action, axis=-1)


VALUE = jax.jit(lambda observation, action: value_in(observation)(action))
# Policies are hashable: what is compiled for one is found again by other tests.
ACT = jax.jit(lambda policy, *given: policy.act(*given), static_argnums=0)
GATED = jax.jit(lambda policy, *given: policy.gated(*given), static_argnums=0)
PROPOSE = jax.jit(lambda policy, *given: policy.propose(*given), static_argnums=0)
HEAD = jax.jit(
    lambda policy, head, x, time, features: policy.head.apply({"params": head}, x, time, features),
    static_argnums=0,
)


@functools.partial(jax.jit, static_argnums=0)
def learn(policy, params, noise, observation):
    """((loss, metrics), gradient)."""
    value = value_in(observation)
    return jax.value_and_grad(
        lambda p: policy.loss(p, noise, observation, value, same), has_aux=True
    )(params)


def make(name, **options):
    return table.make(name, O, A, **{"width": WIDTH, "num_steps": STEPS, **options})


EVERY = {
    "ddpg": {},
    "gdm": {},
    "gdm noise clip": {"prediction": "noise", "bound": "clip"},
    "moe-gdm": {},
    "moe-gdm 2 of 3": {"num_selected": 2},
    "moe-gdm soft": {"num_selected": 3},
}


def example(which, **options):
    policy = make(which.split()[0], **EVERY[which], **options)
    return policy, drawn(policy), noise_of(policy, B), normal(4, B, O)


def posterior_loop(schedule, predict, noise, keep, prediction):
    """The chain in NumPy, its posteriors by Bayes' rule: precisions add."""
    noise = np.asarray(noise)
    num_steps = len(noise)
    x = noise[0]
    for t in range(num_steps - 1, -1, -1):
        beta, signal = schedule.beta[t], schedule.alpha_bar[t]
        out = np.asarray(predict(x, t))
        start = keep(
            out if prediction == "start" else (x - np.sqrt(1 - signal) * out) / signal**0.5
        )
        if t == 0:
            return np.clip(start, -1, 1)
        earlier = schedule.alpha_bar[t - 1]
        # q(x_t | x_{t-1}) as a Gaussian of x_{t-1}, times q(x_{t-1} | x_0).
        precision = (1 - beta) / beta + 1 / (1 - earlier)
        mean = np.sqrt(1 - beta) / beta * x + np.sqrt(earlier) / (1 - earlier) * start
        x = mean / precision + noise[num_steps - t] / np.sqrt(precision)
    raise AssertionError
