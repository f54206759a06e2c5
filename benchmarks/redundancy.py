"""The redundancy of a code: what denoising brings where there is more or less of it.

    python -m benchmarks.redundancy [--num-symbols 16 32 64 128] [--json FILE]

The fewer symbols an image has, the less of their noise can be told from them: a code without
structure leaves a denoiser nothing to find. For every number of symbols, coder, denoiser, one-shot
control and decoders are trained anew, on both channels at one ratio, and judged on images that none
of them has seen. k complex symbols are 2k real numbers, an image has 64. Intervals are over images,
paired with the MMSE equaliser and with a decoder that was re-trained on its symbols. Beside them is
linear MMSE of the whole block, which is not trained.
"""

import dataclasses
import itertools
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import tyro
from rich.table import Table

from benchmarks.report import Claim, Report, table
from jaxsec import checks
from jaxsec.channel_denoising.symbols import file, judge, run, source
from jaxsec.channel_denoising.symbols.judge import WAYS, Row
from jaxsec.channel_denoising.symbols.train import Config
from jaxsec.files.archive import check_outputs

PIXELS = 64
COMPARED = ("equaliser", "linear", "chain", "regressor")
MOST_DB = 0.5
"""What CDDM adds to PSNR at most."""


@dataclasses.dataclass(frozen=True)
class Command:
    """Train coders of several redundancies and judge what denoises their symbols."""

    quick: bool = False
    """One small code, few steps; no claims."""
    num_symbols: tuple[int, ...] = (16, 32, 64, 128)
    """k of each code, from the least."""
    snr_db: float = 10.0
    """Of both channels."""
    num_steps: int = Config.num_steps
    """Of each stage."""
    passes: int = 4
    """Of every test image through its channel."""
    seed: int = 1
    """Of the channel in the judgement; trainings have seed 0."""
    out: Path | None = None
    """Keep the runs in this folder, and go on there if they were killed."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""


class Code(NamedTuple):
    """Denoised symbols of one code over one channel."""

    channel: str
    num_symbols: int
    equaliser: Row
    linear: Row
    """MMSE of the whole block."""
    chain: Row
    control: Row

    def removed(self, row: Row) -> float:
        """Share of the equaliser's squared error that a way takes away."""
        return row.error_less / self.equaliser.error


def main(command: Command, argv: list[str]) -> int:
    """Trains, measures, prints the table and the claims; 1 if one fails."""
    check_outputs((), (command.json, ()))
    checks.check_at_least("--passes", command.passes, 1)
    sizes = command.num_symbols
    checks.require(
        len(sizes) > 0 and list(sizes) == sorted(set(sizes)),
        "`--num-symbols` must name numbers that rise from code to code, "
        f"but is {' '.join(map(str, sizes)) or 'empty'}",
    )
    sizes = sizes[:1] if command.quick else sizes
    passes = 1 if command.quick else command.passes
    num_images = len(source.images(Config.seed)[1])
    report = Report("redundancy", argv, seed=command.seed, num_samples=num_images)
    codes = []
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            out = (command.out or Path(folder)) / str(size)
            path = run.run(out, configure(command, size), save_every=200, command=report.command)
            codes += codes_of(judge.judge(file.load(path), passes=passes, seed=command.seed), size)
    codes.sort(key=lambda code: code.channel)
    return report.finish(
        [{"num_symbols": code.num_symbols, **row._asdict()} for code in codes for row in code[2:]],
        shown(codes, f"{command.snr_db:g} dB, {PIXELS} pixels an image"),
        [] if command.quick else check_claims(codes),
        command.json,
    )


def configure(command: Command, num_symbols: int) -> Config:
    """The training of one code."""
    config = Config(snrs_db=(command.snr_db,), num_symbols=num_symbols, num_steps=command.num_steps)
    if command.quick:
        return dataclasses.replace(config, width=8, denoiser_width=8, chain_steps=2, num_steps=2)
    return config


def codes_of(rows: Sequence[Row], num_symbols: int) -> list[Code]:
    """What was judged, a line a channel."""
    by_way = {(row.channel, row.way): row for row in rows}
    return [
        Code(name, num_symbols, *(by_way[name, WAYS[way]] for way in COMPARED))
        for name in dict.fromkeys(row.channel for row in rows)
    ]


def shown(codes: Sequence[Code], title: str) -> Table:
    """A line a code and channel."""
    cells = [
        (
            code.channel,
            str(code.num_symbols),
            f"{code.equaliser.error:.4f}",
            f"{code.chain.error_less:.4f} ± {code.chain.error_less_ci95:.4f}",
            *(f"{code.removed(row):.1%}" for row in (code.linear, code.chain, code.control)),
            f"{code.equaliser.psnr_db:.2f}",
            *(
                f"{row.psnr_more_db:+.2f} ± {row.psnr_more_ci95:.2f}"
                for row in (code.linear, code.chain, code.control)
            ),
        )
        for code in codes
    ]
    heads = (
        *("symbols", "MMSE's error", "CDDM less by", "of it, linear", "CDDM", "one-shot"),
        *("PSNR, dB", "linear", "CDDM", "one-shot"),
    )
    return table(title, ("channel",), heads, cells)


def check_claims(codes: Sequence[Code]) -> list[Claim]:
    """What the page says: a longer code leaves more to find, most of it linear."""
    by_channel = [
        [code for code in codes if code.channel == name]
        for name in dict.fromkeys(code.channel for code in codes)
    ]
    gain = max(code.chain.psnr_more_db for code in codes)
    claims = [
        Claim(
            "CDDM's symbols are nearer than the equaliser's in every code, intervals off zero",
            f"{min(code.removed(code.chain) for code in codes):.1%} nearer at least",
            all(code.chain.error_less > (code.chain.error_less_ci95 or 0.0) for code in codes),
        ),
        Claim(
            f"CDDM's gain of PSNR is at most {MOST_DB} dB",
            f"{gain:+.2f} dB at most",
            gain <= MOST_DB,
        ),
    ]
    if all(len(line) == 1 for line in by_channel):
        return claims
    for name, way in (
        ("CDDM", "chain"),
        ("the one-shot network", "control"),
        ("linear MMSE of the block", "linear"),
    ):
        shares = [[code.removed(getattr(code, way)) for code in line] for line in by_channel]
        rises = all(more > less for line in shares for less, more in itertools.pairwise(line))
        claims.append(
            Claim(f"{name} removes more, the more symbols there are", in_words(shares), rises)
        )
    return claims


def in_words(shares: Sequence[Sequence[float]]) -> str:
    """Of each channel, from the shortest code to the longest."""
    return "; ".join(", ".join(f"{share:.1%}" for share in line) for line in shares)


if __name__ == "__main__":
    try:
        sys.exit(main(tyro.cli(Command), sys.argv[1:]))
    except checks.InputError as error:
        sys.exit(f"error: {error}")
