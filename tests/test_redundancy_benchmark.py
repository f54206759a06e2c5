"""Benchmarks of the semantic coder and of redundancy claim what they measured, and nothing else."""

from benchmarks import redundancy, semantic
from jaxsec.channel_denoising.symbols.judge import WAYS
from jaxsec.channel_denoising.symbols.judge import Row as Symbols
from jaxsec.report.statistics import Mean
from jaxsec.semantic.judge import Row as Coder


def coder(leakage_weight, eve, lost_db=0.0, by_noise=(99.0, 80.0)):
    nothing = Mean(0.0, None)
    return Coder(
        leakage_weight,
        psnr_db=nothing,
        lost_db=Mean(lost_db, 0.1),
        eve=Mean(eve, 1.0),
        eve_bits=nothing,
        bayes=Mean(eve, 1.0),
        bayes_bits=nothing,
        bob_bits=nothing,
        by_noise=tuple(Mean(x, 1.0) for x in by_noise),
    )


def test_a_coder_is_claimed_of_at_the_weights_that_were_measured():
    rows = [coder(0.0, 85.0), coder(8.0, 19.0, 0.9)]
    claims = semantic.check_claims(rows)
    assert [claim.holds for claim in claims] == [True] * 4
    assert "at λ = 8 Bob loses ≤ 1 dB" in [claim.claim for claim in claims]
    assert len(semantic.check_claims([*rows, coder(12.0, 17.0)])) == 5
    assert len(semantic.check_claims(rows[1:])) == 1  # nothing was lost of what is not there


def test_claims_of_a_coder_fail_where_they_are_not_met():
    rows = [coder(0.0, 79.0), coder(8.0, 21.0, 1.1), coder(12.0, 20.1, by_noise=(80.0, 81.0))]
    assert not any(claim.holds for claim in semantic.check_claims(rows))


def symbols(channel, way, less, more):
    return Symbols(channel, 10.0, 0, WAYS[way], 0.1 - less, 0.001, less, 0.001, 20.0, more, 0.01)


def codes(num_symbols, chain, control):
    rows = [
        symbols(channel, way, less, more)
        for channel in ("awgn", "rayleigh")
        for way, less, more in (
            ("equaliser", 0.0, 0.0),
            ("linear", *chain),
            ("chain", *chain),
            ("call", 0.0, 0.0),
            ("regressor", *control),
        )
    ]
    return redundancy.codes_of(rows, num_symbols)


def test_a_code_has_its_ways_by_channel_and_the_share_they_remove():
    awgn, rayleigh = codes(16, (0.02, 0.1), (0.05, 0.2))
    assert (awgn.channel, rayleigh.channel) == ("awgn", "rayleigh")
    assert awgn.chain.way == WAYS["chain"] and awgn.control.way == WAYS["regressor"]
    assert (round(awgn.removed(awgn.chain), 6), round(awgn.removed(awgn.control), 6)) == (0.2, 0.5)
    shown = redundancy.shown([awgn, rayleigh], "a title")
    assert [next(iter(column.cells)) for column in shown.columns][:6] == [
        "awgn", "16", "0.1000", "0.0200 ± 0.0010", "20.0%", "20.0%",
    ]  # fmt: skip


def test_claims_of_redundancy_hold_where_there_is_more_to_find_in_a_longer_code():
    found = [
        *codes(16, (0.01, 0.1), (0.02, 0.2)),
        *codes(64, (0.05, 0.2), (0.05, 0.2)),
        *codes(128, (0.06, 0.0), (0.06, 0.4)),
    ]
    assert [claim.holds for claim in redundancy.check_claims(found)] == [True] * 5
    assert len(redundancy.check_claims(found[:2])) == 2  # one code is not compared
    assert len(redundancy.check_claims(found[2:])) == 5
    worse = [
        *codes(16, (0.06, 0.1), (0.06, 0.2)),
        *codes(64, (0.001, 0.51), (0.05, 0.2)),
        *codes(128, (0.03, 0.0), (0.05, 0.4)),
    ]
    assert not any(claim.holds for claim in redundancy.check_claims(worse))
