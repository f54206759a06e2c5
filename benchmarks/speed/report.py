"""What the speed benchmark reports: a row a contender, the claims, and the printed table."""

import sys
from typing import Any, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table


class Row(NamedTuple):
    """One contender at one batch size."""

    case: str
    batch: int
    contender: str
    num_steps: int
    step: str
    fraction_mean: float
    fraction_min: float
    num_timed: int
    us_min: float
    us_median: float
    us_max: float
    compile_s: float | None
    """Of the first call; None where nothing had to be compiled."""
    ratio: float
    """Median time over ours."""


def check_claims(rows: list[Row], case: str) -> list[tuple[str, str, bool]]:
    """The claims at this case: text, what was measured, whether it holds."""
    at = {(row.batch, row.contender): row for row in rows if row.case == case}
    batch = max(batch for batch, _ in at)
    numpy_, jax_, ours, single = (
        at[key] for key in ((batch, "numpy"), (batch, "jax"), (batch, "ours"), (1, "ours"))
    )
    compile_s = max(row.compile_s or 0.0 for (_, name), row in at.items() if name == "ours")
    return [
        ("at least 100x faster than the NumPy loop", f"{numpy_.ratio:.0f}x", numpy_.ratio >= 100),
        ("at least 8x faster than batched JAX", f"{jax_.ratio:.1f}x", jax_.ratio >= 8),
        (
            "at least 99.5% of best known",
            f"{100 * ours.fraction_mean:.2f}%",
            ours.fraction_mean >= 0.995,
        ),
        (
            "single channel in less than 3 ms",
            f"{single.us_median / 1e3:.2f} ms",
            single.us_median < 3e3,
        ),
        ("compiled in less than 10 s", f"{compile_s:.1f} s", compile_s < 10),
    ]


def show(report: dict[str, Any], rows: list[Row], main_case: str) -> None:
    """Prints the table, what it rests on, and the claims."""
    console = Console(width=None if sys.stdout.isatty() else 130)
    table = Table(title="OPT against annealed GPIP at the same quality", box=box.SIMPLE_HEAD)
    for name in ("(M, K, L)", "batch", "contender"):
        table.add_column(name, no_wrap=True)
    for name in (
        "steps",
        "of best known\nmean (worst)",
        "channels\ntimed",
        "µs a channel: median\n(min to max)",
        "compile\ns",
        "time over\nours",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    for i, row in enumerate(rows):
        new = row.contender == "numpy"
        if new and i and row.case != rows[i - 1].case:
            table.add_section()
        table.add_row(
            row.case if new else "",
            str(row.batch) if new else "",
            row.contender,
            f"{row.num_steps} {row.step}",
            f"{100 * row.fraction_mean:.2f}% ({100 * row.fraction_min:.1f}%)",
            str(row.num_timed),
            f"{row.us_median:.1f} ({row.us_min:.1f} to {row.us_max:.1f})",
            "" if row.compile_s is None else f"{row.compile_s:.1f}",
            f"{row.ratio:.1f}",
        )
    console.print(table)
    for case in report["cases"]:
        console.print(
            f"({case['num_antennas']}, {case['num_users']}, {case['num_eavesdroppers']}): "
            f"J = {case['num_noise_beams']}, {case['scenario']['transmit_power_dbm']:g} dBm; best "
            f"known of {case['num_starts']} starts on {case['num_judged']} channels; baselines "
            f"tuned on {case['num_tuning']} others to {100 * case['target_on_tuning']:.2f}%"
        )
    machine = report["hardware"]
    console.print(
        f"{machine['cpu']}, {machine['cores']} cores, {machine['device']}, jax {machine['jax']}, "
        f"numpy {machine['numpy']}; load before: {machine['load_before']:.1f}; "
        f"seed {report['seed']}; {report['wall_s']:.0f} s; {report['command']}"
    )
    for claim in report["claims"]:
        console.print(
            f"{'holds' if claim['holds'] else 'FAILS'}: at {main_case}, {claim['claim']}: "
            f"{claim['measured']}"
        )
