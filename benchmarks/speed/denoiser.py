"""How fast are the denoisers? The U-Net against the same network written with `nn.Conv`.

    python -m benchmarks.speed.denoiser [--quick] [--json FILE]

In one run, alternating: one call and one training step of the U-Net of the paper's size and of the
small size, as it is and with `flax.linen.Conv` for every convolution (same parameters, same
outputs, checked); the set denoiser and the MLP beside them. K = 2, L = 4, J = 2, float32. The
share of the machine is the arithmetic of the `nn.Conv` network, as XLA counts it, a second, over
the rate of a 2048³ matrix product in the same run.

At batch 64 it asserts the claims: the paper's size at least 2.8 times faster in a call and 2.1
times in a training step than with `nn.Conv`; exit code 1 if one fails.
"""

import dataclasses
import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import tyro

import jaxsec
from benchmarks.points import DEFAULT
from benchmarks.report import Claim, Report, table
from benchmarks.speed.turns import alternate
from jaxsec.cdm.coordinates import table as coordinates
from jaxsec.cdm.training import pretrain
from jaxsec.cdm.training.batches import Samples
from jaxsec.diffusion.networks import table as denoisers
from jaxsec.diffusion.networks.unet import UNet
from jaxsec.files.archive import check_outputs

BATCHES = (1, 64, 512)
CLAIMED_BATCH = 64
CLAIMS = {"call": 2.8, "training step": 2.1}
"""Times faster than `nn.Conv`, the paper's size."""
PLAIN = functools.partial(nn.Conv, kernel_size=(3, 3))
NETWORKS = ("unet-paper", "unet", "set", "mlp")
ROUNDS = 5


@dataclasses.dataclass(frozen=True)
class Command:
    """Time the denoisers; assert what is gained over `nn.Conv`."""

    quick: bool = False
    """The paper's size at batch 64 only, fewer rounds."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""


class Row(NamedTuple):
    """One kind of work of one network at one batch size."""

    network: str
    batch: int
    work: str
    ms: float
    """A sample, median of the rounds."""
    plain_ms: float | None
    """With `nn.Conv`."""
    share: float | None
    """Of the machine's matrix-product rate."""


def main(command: Command, argv: list[str]) -> int:
    """Measures, prints the table and the claims; 1 if a claim fails."""
    check_outputs((), (command.json, ()))
    report = Report("speed.denoiser", argv)
    rate = matrix_rate()
    rows: list[Row] = []
    for name in NETWORKS[:1] if command.quick else NETWORKS:
        for batch in (CLAIMED_BATCH,) if command.quick else BATCHES:
            rows += measure(name, batch, rate, 3 if command.quick else ROUNDS)
    return report.finish(
        rows,
        table(
            "Denoisers, K = 2, L = 4",
            ("network", "batch", "work"),
            ("ms a sample", "with nn.Conv", "faster", "of matrix rate"),
            [cells(row) for row in rows],
        ),
        check_claims(rows),
        command.json,
        notes=[f"2048³ matrix product: {rate / 1e9:.0f} GFLOP/s"],
        matrix_product_gflops=rate / 1e9,
    )


def check_claims(rows: list[Row]) -> list[Claim]:
    """What is gained over `nn.Conv` at the paper's size."""
    claims = []
    for row in rows:
        if row.network == "unet-paper" and row.batch == CLAIMED_BATCH and row.plain_ms:
            ratio, least = row.plain_ms / row.ms, CLAIMS[row.work]
            text = f"{row.work}, paper's size: at least {least:g}x faster than nn.Conv"
            claims.append(Claim(text, f"{ratio:.1f}x", ratio >= least))
    return claims


def measure(name: str, batch: int, rate: float, rounds: int) -> list[Row]:
    """One network at one batch size: a call and a training step."""
    samples = sample_batch(batch)
    network: Any = denoisers.for_tables(name, *samples.z.shape[2:])
    contenders = {"ours": network}
    if isinstance(network, UNet):
        contenders["plain"] = UNet(network.size, conv=PLAIN)
    config = pretrain.Config(denoiser=name)
    t = jnp.full(batch, 500)
    params = pretrain.initial_state(config, network, samples).params
    params = jax.tree.map(  # away from the start, where the output is zero
        lambda x: x + 0.02 * jax.random.normal(jax.random.key(1), x.shape), params
    )
    calls, steps, outputs, flops = {}, {}, {}, {}
    for which, net in contenders.items():
        call = jax.jit(net.apply).lower(params, samples.z, t, samples.condition).compile()
        calls[which] = functools.partial(call, params, samples.z, t, samples.condition)
        outputs[which] = calls[which]()
        state = pretrain.initial_state(config, net, samples)
        train: Any = pretrain.make_train_step(config, net)
        step = train.lower(state, samples).compile()
        steps[which] = Training(step, state, samples)
        counted = "plain" if "plain" in contenders else "ours"
        if which == counted:
            for work, compiled in (("call", call), ("training step", step)):
                flops[work] = (compiled.cost_analysis() or {})["flops"]
    if "plain" in outputs:
        scale = float(jnp.max(jnp.abs(outputs["plain"])))
        np.testing.assert_allclose(outputs["ours"], outputs["plain"], atol=1e-4 * scale)
    rows = []
    for work, functions in (("call", calls), ("training step", steps)):
        seconds = alternate(functions, rounds)
        plain = seconds.get("plain")
        rows.append(
            Row(
                name,
                batch,
                work,
                1e3 * seconds["ours"] / batch,
                None if plain is None else 1e3 * plain / batch,
                flops[work] / seconds["ours"] / rate,
            )
        )
    return rows


class Training:
    """A training step that keeps its state, which the compiled step takes over."""

    def __init__(self, step: Callable[..., Any], state: pretrain.State, samples: Samples) -> None:
        self.step, self.state, self.samples = step, state, samples

    def __call__(self) -> Any:
        self.state, loss = self.step(self.state, self.samples)
        return loss


def sample_batch(batch: int) -> Samples:
    """Random channels as a training batch; what the strategies are changes no time."""
    received = coordinates.get("received")
    channels = jaxsec.sample_channels(jax.random.key(0), DEFAULT.scenario(), batch)
    kind = received.kinds(8, 2, 4, 2)
    condition = received.condition(received.frame(*channels, 2), 2, jnp.ones(kind.shape))
    z = jax.random.normal(jax.random.key(2), condition.mask.shape) * condition.mask
    return Samples(z, condition)


def matrix_rate(size: int = 2048) -> float:
    """Floating-point operations a second of a large float32 matrix product."""
    a = jax.random.normal(jax.random.key(0), (size, size))
    product = jax.jit(jnp.matmul)
    seconds = alternate({"product": lambda: product(a, a)}, ROUNDS)["product"]
    return 2 * size**3 / seconds


def cells(row: Row) -> list[str]:
    """A row of the table."""
    plain = row.plain_ms
    return [
        row.network,
        str(row.batch),
        row.work,
        f"{row.ms:.3f}",
        "" if plain is None else f"{plain:.3f}",
        "" if plain is None else f"{plain / row.ms:.1f}x",
        "" if row.share is None else f"{row.share:.0%}",
    ]


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Command), sys.argv[1:]))
