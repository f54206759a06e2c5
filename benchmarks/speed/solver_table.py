"""What `solver` reports: a row a contender, the claims, and the printed table."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from rich.table import Table

from benchmarks.report import Claim, table


class Row(NamedTuple):
    """One contender at one batch size."""

    case: str
    batch: int
    contender: str
    num_steps: int
    step: str
    of_best_known: float
    """Mean rate over the best known mean."""
    worst_ratio: float
    """The same of the worst channel."""
    num_timed: int
    us_min: float
    us_median: float
    us_max: float
    compile_s: float | None
    """Of the first call; None where nothing had to be compiled."""
    ratio: float
    """Median time over ours."""


def check_claims(rows: list[Row], case: str) -> list[Claim]:
    """The claims at this case."""
    at = {(row.batch, row.contender): row for row in rows if row.case == case}
    batch = max(batch for batch, _ in at)
    numpy_, jax_, ours, single = (
        at[key] for key in ((batch, "numpy"), (batch, "jax"), (batch, "ours"), (1, "ours"))
    )
    compile_s = max(row.compile_s or 0.0 for (_, name), row in at.items() if name == "ours")
    claims = [
        ("at least 100x faster than the NumPy loop", f"{numpy_.ratio:.0f}x", numpy_.ratio >= 100),
        ("at least 8x faster than batched JAX", f"{jax_.ratio:.1f}x", jax_.ratio >= 8),
        (
            "at least 99.5% of best known",
            f"{100 * ours.of_best_known:.2f}%",
            ours.of_best_known >= 0.995,
        ),
        (
            "single channel in less than 3 ms",
            f"{single.us_median / 1e3:.2f} ms",
            single.us_median < 3e3,
        ),
        ("compiled in less than 10 s", f"{compile_s:.1f} s", compile_s < 10),
    ]
    return [Claim(f"at {case}, {text}", value, ok) for text, value, ok in claims]


def to_table(rows: list[Row]) -> Table:
    """The table for people; a line between the cases."""
    return table(
        "OPT against annealed GPIP at the same quality",
        ("(M, K, L)", "batch", "contender"),
        (
            "steps",
            "of best known\n(worst)",
            "channels\ntimed",
            "µs a channel: median\n(min to max)",
            "compile\ns",
            "time over\nours",
        ),
        _cells(rows),
    )


def _cells(rows: list[Row]) -> Iterator[list[str]]:
    for i, row in enumerate(rows):
        new = row.contender == "numpy"
        if new and i and row.case != rows[i - 1].case:
            yield []
        yield [
            row.case if new else "",
            str(row.batch) if new else "",
            row.contender,
            f"{row.num_steps} {row.step}",
            f"{100 * row.of_best_known:.2f}% ({100 * row.worst_ratio:.1f}%)",
            str(row.num_timed),
            f"{row.us_median:.1f} ({row.us_min:.1f} to {row.us_max:.1f})",
            "" if row.compile_s is None else f"{row.compile_s:.1f}",
            f"{row.ratio:.1f}",
        ]


def in_words(case: dict[str, Any]) -> str:
    """What the numbers of a case rest on, in a line."""
    return (
        f"({case['num_antennas']}, {case['num_users']}, {case['num_eavesdroppers']}): "
        f"J = {case['num_noise_beams']}, {case['scenario']['transmit_power_dbm']:g} dBm; best "
        f"known of {case['num_starts']} starts on {case['num_judged']} channels; baselines "
        f"tuned on {case['num_tuning']} others to {100 * case['target_on_tuning']:.2f}%"
    )
