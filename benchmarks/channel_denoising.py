"""Denoised estimates of channels: squared error and secrecy rate, beside three controls.

    python -m benchmarks.channel_denoising [--num-channels 128] [--json FILE] [--figure FILE.png]

Channels are clustered, of two users and four eavesdroppers, drawn with the shipped model's family;
all links are observed at one signal-to-noise ratio of the pilots. Every way to estimate hands means
and error variances to `opt-robust`; rates are those on the true channels. Intervals are over
channels, differences paired. The claims are about the denoiser's one call at the channel's step,
and about what the chain behind it costs.
"""

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import tyro

from benchmarks.report import Claim, Report
from jaxsec import checks
from jaxsec.channel_denoising import pretrained
from jaxsec.channel_denoising.pilots import file, judge
from jaxsec.channel_denoising.pilots import report as tables
from jaxsec.channel_denoising.pilots.judge import LINEAR, Row
from jaxsec.files.archive import PICTURES, check_outputs

SNRS_DB = (0.0, 5.0, 10.0, 15.0, 20.0)
CALLS = (1, 10)
ONCE = "denoiser, 1 call"
MOST_OF_LINEAR = 0.75
"""Squared error over the linear estimate's, at 0 to 15 dB."""
CALIBRATED = 0.1
"""How far the stated error may be from that found, over it."""


@dataclasses.dataclass(frozen=True)
class Command:
    """Judge a denoiser of channels; assert what the page says of it."""

    quick: bool = False
    """Four channels at one ratio; no claims."""
    model: str = "channels"
    """A file that `jaxsec denoise train` has written, or the shipped one."""
    num_channels: int = 128
    """The same for all."""
    seed: int = 1
    """Of channels, pilots and the design's draws."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""
    figure: Annotated[Path | None, tyro.conf.arg(metavar="FILE.png")] = None
    """Also draw them."""


def main(command: Command, argv: list[str]) -> int:
    """Measures, prints the table and the claims; 1 if one fails."""
    check_outputs((), (command.json, ()), (command.figure, PICTURES))
    count = 4 if command.quick else command.num_channels
    report = Report("channel_denoising", argv, command.seed, count)
    rows = judge.judge(
        file.load(pretrained.path(command.model)),
        snrs_db=SNRS_DB[2:3] if command.quick else SNRS_DB,
        num_steps=CALLS[:2] if command.quick else CALLS,
        num_channels=count,
        seed=command.seed,
    )
    if command.figure is not None:
        from jaxsec.channel_denoising.pilots import figure

        figure.plot(command.figure, rows)
    shown = tables.table(rows, f"{count} channels")
    return report.finish(rows, shown, [] if command.quick else check_claims(rows), command.json)


def check_claims(rows: list[Row]) -> list[Claim]:
    """What the page says."""
    at = {(row.snr_db, row.way): row for row in rows}
    middle = [snr for snr in SNRS_DB if 0 <= snr <= 15]
    share = max(at[snr, ONCE].nmse / at[snr, LINEAR].nmse for snr in middle)
    off = max(abs(row.said / row.nmse - 1) for row in rows if row.way != "least squares")
    more = [at[snr, ONCE] for snr in SNRS_DB]
    chains = [at[snr, f"denoiser, chain of {n}"] for snr in SNRS_DB for n in CALLS[1:]]
    costs = [row.nmse - at[row.snr_db, ONCE].nmse for row in chains]
    return [
        Claim(
            f"one call has at most {MOST_OF_LINEAR:.0%} of linear MMSE's error at 0 to 15 dB",
            f"{share:.1%} at most",
            share <= MOST_OF_LINEAR,
        ),
        Claim(
            f"stated errors are those found within {CALIBRATED:.0%}",
            f"{off:.1%} off at most",
            off <= CALIBRATED,
        ),
        Claim(
            "the secrecy rate is above linear MMSE's at every ratio, interval off zero",
            ", ".join(f"{row.rate_more:+.2f} ± {row.rate_more_ci95 or 0.0:.2f}" for row in more),
            all(row.rate_more > (row.rate_more_ci95 or 0.0) for row in more),
        ),
        Claim(
            "a chain of more calls never has less error",
            f"{min(costs):+.5f} at least",
            min(costs) >= 0.0,
        ),
    ]


if __name__ == "__main__":
    try:
        sys.exit(main(tyro.cli(Command), sys.argv[1:]))
    except checks.InputError as error:
        sys.exit(f"error: {error}")
