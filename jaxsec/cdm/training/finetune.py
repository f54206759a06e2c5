"""Fine-tuning of a diffusion model on the sum secrecy rate itself, P1 (19).

    step = make_step(config, sampler)
    state, loss = step(state, problems, timesteps_of(config, i))

The gradient runs through every step of the sampler, rematerialised, through the choice among
candidates and the optimiser's steps that will follow, where asked for, and for channels known with
errors through the mean over draws of what they may be, or the rate that is kept in most of them. No
expert is needed: only channels.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float

from jaxsec import checks, keys, secrecy
from jaxsec.cdm import pretrained
from jaxsec.cdm.coordinates import table
from jaxsec.cdm.coordinates.known import ISOTROPIC_SPREAD
from jaxsec.cdm.model import Model, initial_params
from jaxsec.cdm.sampler import Sampler, initial, sample
from jaxsec.cdm.standardise import Standardiser
from jaxsec.cdm.training.problems import Problems, Told
from jaxsec.channels import knowledge
from jaxsec.diffusion import process, sampling
from jaxsec.diffusion.networks import table as denoisers
from jaxsec.diffusion.sampling import Timesteps
from jaxsec.learning import state as states
from jaxsec.learning.state import State
from jaxsec.precoding import gpip
from jaxsec.strategy import Strategy

Power = Literal["projection", "penalty"]
"""How the power budget is kept: exactly, or by the paper's penalty on the norm."""

Coordinates = Literal["received", "aligned", "resolved", "known"]
"""In which a model can go on; in known ones for channels with errors."""
Objective = Literal["both", "sum", "outage"]
"""Over what channels may be: the mean, the rate that is kept, or half of the channels for each."""
KEPT = secrecy.Outage(0.05)
"""The objective beside the mean."""


@dataclasses.dataclass(frozen=True)
class Config:
    """How a model is fine-tuned.

    Raises:
      InputError: a number is out of its range.
    """

    num_steps: int = 5000
    batch_entries: int = 2400
    """Table entries a batch, over all its channels."""
    ddim_steps: tuple[int, ...] = (1, 2, 4)
    """Sampling steps to fine-tune for: one of these is drawn for every training step."""
    num_candidates: int = 1
    """Candidates a channel, of which the (softly) best counts."""
    temperature: float = 0.1
    """Of the soft choice among candidates, bit/s/Hz."""
    refine: int = 0
    """Steps of OPT's iteration that will follow, and are differentiated through."""
    power: Power = "projection"
    penalty: float = 0.001
    """λ of (19), where power is kept by penalty."""
    target_norm: float = 1.0
    """δ of (19)."""
    relative: bool = True
    """Rates are counted in those of the closed form, so that all powers and sizes weigh alike."""
    first_smoothing: float = 0.1
    """α of (6) at the first step, bit/s/Hz; then it falls geometrically."""
    last_smoothing: float = 0.02
    coordinates: Coordinates | None = None
    """In which the model goes on (`into`); None for resolved ones where it can, else its own."""
    clustered: float = 0.75
    """Share of clustered channels; the others are Rayleigh channels in P1's geometry."""
    csi_error_users: float | None = None
    """CSI error of users, in known coordinates; None for all kinds."""
    csi_error_eavesdroppers: float | None = None
    """The same of eavesdroppers."""
    objective: Objective = "both"
    """Over what channels may be: the mean, the rate that is kept, or for half of them each."""
    num_draws: int = 64
    """Draws of what channels may be, in known coordinates."""
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    max_gradient: float = 1.0
    ema: float = 0.998
    """Decay of the exponential moving average of the parameters, which is what is used."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("num_steps", "batch_entries", "num_candidates", "num_draws"):
            checks.check_at_least(name, getattr(self, name), 1)
        for name in ("refine", "warmup_steps"):
            checks.check_at_least(name, getattr(self, name), 0)
        for name in (
            "temperature", "target_norm", "first_smoothing", "last_smoothing", "learning_rate",
            "max_gradient",
        ):  # fmt: skip
            checks.check_positive(name, getattr(self, name))
        checks.require(
            len(self.ddim_steps) > 0 and min(self.ddim_steps) >= 1,
            f"`ddim_steps` must hold counts of at least 1, but is {self.ddim_steps}",
        )
        checks.require(
            self.power in get_args(Power),
            f"`power` must be one of {', '.join(get_args(Power))}, but is {self.power!r}",
        )
        checks.require(self.penalty >= 0, f"`penalty` must not be negative, but is {self.penalty}")
        told = (self.csi_error_users, self.csi_error_eavesdroppers)
        checks.require(
            self.coordinates == "known" or (told == (None, None) and self.objective == "both"),
            "`coordinates` must be 'known' where CSI errors or an objective are given, but is "
            f"{self.coordinates!r}",
        )
        for name, error in zip(("csi_error_users", "csi_error_eavesdroppers"), told, strict=True):
            if error is not None:
                checks.check_fraction(name, error)
        checks.check_fraction("clustered", self.clustered)
        checks.require(0.0 <= self.ema < 1.0, f"`ema` must lie in [0, 1), but is {self.ema}")


Step = Callable[[State, Problems, Timesteps], tuple[State, Float[Array, ""]]]


def optimiser(config: Config) -> optax.GradientTransformation:
    """What moves the parameters."""
    return states.adam(
        config.learning_rate, config.warmup_steps, config.num_steps, config.max_gradient
    )


def timesteps_of(config: Config, step: int) -> Timesteps:
    """The sampler of a training step; all are of one length, and so are compiled once."""
    generator = keys.generator(config.seed, "finetune/sampling steps", step)
    return sampling.ddim_timesteps(
        process.linear_schedule(),
        int(generator.choice(config.ddim_steps)),
        pad_to=max(config.ddim_steps),
    )


class _More(NamedTuple):
    """Inputs that coordinates have beyond received gains."""

    rows: int = 0
    """Features of a row, and of a column."""
    complex_entries: int = 0
    relations: int = 0


MORE = {
    "received": _More(),
    "aligned": _More(),
    "resolved": _More(2, 2, 1),
    "known": _More(5, 2, 1),
}
"""By the name of the coordinates."""
FROM = {"aligned": ("received",), "resolved": ("received",), "known": ("received", "resolved")}
"""Coordinates that these tell more than."""


def fresh(denoiser: str, seed: int) -> Model:
    """A model of random weights in known coordinates that does not sample.

    The same network as a diffusion model's, given no noise and called once: what is left of CDM-F
    without diffusion. Entries are counted in `cdm-set`'s spreads.
    """
    like = into(pretrained.load("cdm-set"), "known")
    network = denoisers.make(denoiser)
    params = initial_params(network, "known", like.sizes[0], like.num_noise_beams, seed=seed)
    return dataclasses.replace(
        like, denoiser=denoiser, network=network, params=params, deterministic=True
    )


def into(model: Model, coordinates: str) -> Model:
    """The model in other coordinates, with inputs of no weight yet for what these tell more.

    Raises:
      InputError: the model is not one of received gains, no set denoiser where inputs are added, or
        there are no such coordinates.
    """
    if model.coordinates == coordinates:
        return model
    checks.require(
        coordinates in MORE,
        f"`coordinates` must be one of {', '.join(MORE)}, but is {coordinates!r}",
    )
    wanted, any_network = FROM.get(coordinates, ()), coordinates == "aligned"
    checks.require(
        model.coordinates in wanted and (any_network or model.denoiser == "set"),
        f"`model` must be {'one' if any_network else 'a set denoiser'} in "
        f"{' or '.join(wanted) or 'the same'} coordinates to go on in {coordinates!r} ones, "
        f"but is {model.denoiser!r} in {model.coordinates!r}",
    )
    if any_network:  # is told the same numbers, of channels in one form
        return dataclasses.replace(model, coordinates=coordinates)
    before, after = MORE[model.coordinates], MORE[coordinates]
    more = _More(*(b - a for a, b in zip(before, after, strict=True)))
    params = dict(model.params["params"])
    params |= {name: _pad(params[name], more.rows) for name in ("rows", "columns")}
    params["complex_in"] = _pad(params["complex_in"], more.complex_entries)
    width = params["complex_in"]["kernel"].shape[1]
    for name in params:
        if name.startswith("layer_"):
            maps = _pad(params[name]["maps"], width * more.relations)
            params[name] = {**params[name], "maps": maps}
    kinds = len(table.get(coordinates).min_spread) - model.standardiser.spread.shape[-1]
    spread = np.pad(
        model.standardiser.spread, ((0, 0), (0, 0), (0, kinds)), constant_values=ISOTROPIC_SPREAD
    )
    return dataclasses.replace(
        model,
        params={"params": params},
        coordinates=coordinates,
        standardiser=Standardiser(spread),
    )


def goes_on_in(model: Model, config: Config) -> str:
    """The coordinates of the fine-tuned model."""
    can = model.coordinates == "received" and model.denoiser == "set"
    return config.coordinates or ("resolved" if can else model.coordinates)


def told(config: Config) -> Told:
    """What is the same for all channels."""
    outage = None if config.objective == "both" else config.objective == "outage"
    return Told(config.csi_error_users, config.csi_error_eavesdroppers, outage)


def _pad(dense: dict[str, Any], inputs: int) -> dict[str, Any]:
    return {**dense, "kernel": jnp.pad(dense["kernel"], ((0, inputs), (0, 0)))}


def make_loss(
    config: Config, sampler: Sampler
) -> Callable[[Any, Array, Problems, Any, Timesteps], Float[Array, ""]]:
    """The loss (19): (params, key, problems, smoothing, sampler's steps) to a scalar."""
    candidates = config.num_candidates

    def generate(params, key, problems: Problems, timesteps: Timesteps) -> Strategy:
        noise = initial(sampler, key, problems.condition.mask.shape)
        z = sample(sampler, params, problems.condition, noise, timesteps)
        changes = jax.lax.complex(z[:, 0], z[:, 1]) * problems.spread
        num_users = problems.known.h_user.shape[1]
        strategy = sampler.coordinates.decode(problems.frame, changes, num_users)
        if config.power == "projection":
            strategy = Strategy(*secrecy.normalise_power(*strategy))
        if config.refine:
            known = problems.known
            strategy = gpip.refine(
                strategy, known.h_user, known.h_eve, 1.0, num_steps=config.refine
            )
        return strategy

    def loss(params, key, problems: Problems, smoothing, timesteps: Timesteps):
        key_initial, key_channels = jax.random.split(key)
        many = jax.tree.map(lambda x: jnp.concatenate([x] * candidates), problems)
        strategy = generate(params, key_initial, many, timesteps)
        uncertain = sampler.coordinates.informed is not None
        if uncertain:
            h = knowledge.sample(key_channels, problems.known, config.num_draws)
        else:
            h = (problems.known.h_user[None], problems.known.h_eve[None])
        h_user, h_eve = (jnp.concatenate([x] * candidates, axis=1) for x in h)
        rates = secrecy.smooth_secrecy_rates(
            strategy.w[None], strategy.v[None], h_user, h_eve, 1.0, smoothing
        )
        rate = jnp.sum(rates, axis=-1)
        if uncertain:
            outage = jnp.concatenate([problems.outage] * candidates)
            weights = jnp.where(outage > 0, KEPT.weights(rate), secrecy.MEAN.weights(rate))
            rate = jax.lax.stop_gradient(weights) * rate * rate.shape[0]
        rate = jnp.mean(rate, axis=0).reshape(candidates, -1)
        # Softly the best candidate: their log-mean-exp.
        soft = jax.nn.logsumexp(rate / config.temperature, axis=0) - np.log(candidates)
        rate = config.temperature * soft if candidates > 1 else rate[0]
        if config.relative:
            rate = rate / problems.reference_rate
        value = -jnp.mean(rate)
        if config.power == "penalty":
            total = secrecy.power(*strategy)
            norm = jnp.sqrt(jnp.maximum(total, 1e-12))
            value = value + config.penalty * jnp.mean(jnp.square(norm - config.target_norm))
        return value

    return loss


def make_step(config: Config, sampler: Sampler, mesh: Mesh | None = None) -> Step:
    """A compiled step, which takes over the memory of the state it is given.

    With `mesh`, state and batch must lie there as `parallel` puts them, and the state stays so.
    """
    out = None if mesh is None else NamedSharding(mesh, PartitionSpec())
    adam, loss = optimiser(config), make_loss(config, sampler)
    falling = config.last_smoothing / config.first_smoothing

    def step(state: State, problems: Problems, timesteps: Timesteps):
        key = keys.step(keys.stream(config.seed, "finetune/noise"), state.step)
        done = state.step / max(config.num_steps - 1, 1)
        smoothing = config.first_smoothing * falling**done
        value, gradient = jax.value_and_grad(loss)(
            state.params, key, problems, smoothing, timesteps
        )
        return states.advance(state, gradient, adam, config.ema), value

    return jax.jit(step, donate_argnums=0, out_shardings=out)


def to_model(model: Model, state: State) -> Model:
    """The model with what has been fine-tuned, by the averaged parameters."""
    return dataclasses.replace(model, params=state.ema)
