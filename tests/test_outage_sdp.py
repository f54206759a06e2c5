"""The semidefinite programme for secrecy outage is safe, and optimal where the optimum is known."""

import importlib
import json
import math

import jax
import numpy as np
import pytest
from scipy.linalg import eigh
from scipy.optimize import brentq

import jaxsec
from benchmarks import outage_sdp
from benchmarks.bernstein import Link, Programme, cvxpy, sent
from jaxsec.checks import InputError
from tests.cases import gaussian

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("numpy_promotion")]


@pytest.fixture
def numpy_promotion():
    """Code shared with NumPy promotes ranks as NumPy does."""
    with jax.numpy_rank_promotion("allow"):
        yield


@pytest.fixture(scope="module")
def programme():
    """Made where CVXPY, of the extra `bench`, is installed."""
    pytest.importorskip("cvxpy")
    return Programme


def link_of(seed, num_antennas, num_eavesdroppers, error, snr=1e3):
    """Rayleigh channels of equal power, an error's share of the eavesdroppers'."""
    generator = np.random.default_rng(seed)
    h = math.sqrt(snr) * gaussian(generator, (1 + num_eavesdroppers, num_antennas))
    return Link(h[0], math.sqrt(1 - error) * h[1:], np.full(num_eavesdroppers, error * snr))


def drawn(link, num_draws):
    """Eavesdroppers' channels, [draws, L, M]."""
    z = gaussian(np.random.default_rng(9), (num_draws, *link.mean.shape))
    return link.mean + np.sqrt(link.error)[:, None] * z


def sinrs(design, link, g):
    """Of the eavesdroppers [draws, L]."""
    noise = 1.0 + np.sum(np.abs(g.conj() @ design.v) ** 2, axis=-1)
    return np.abs(g.conj() @ design.w) ** 2 / noise


@pytest.mark.parametrize("error", [0.02, 0.3, 1.0])
@pytest.mark.parametrize("probability", [0.02, 0.2])
def test_every_eavesdropper_keeps_below_what_it_is_granted(programme, error, probability):
    link = link_of(1, 4, 2, error)
    made = programme(4, 2)
    for leak in (0.3, 3.0):
        design = made(link, leak, probability)
        exceeds = sinrs(design, link, drawn(link, 20_000)) > leak
        assert np.all(np.mean(exceeds, axis=0) <= probability)
        power = np.linalg.norm(design.w) ** 2 + np.linalg.norm(design.v) ** 2
        assert 0 < power <= 1 + 1e-12


def test_without_error_one_eavesdropper_leaves_the_known_optimum(programme):
    """log2 of the largest generalised eigenvalue of (I + hhᴴ, I + ggᴴ)."""
    link = link_of(2, 4, 1, 0.0, snr=10.0)
    a, b = (np.eye(4) + np.outer(x, x.conj()) for x in (link.h, link.mean[0]))
    wanted = math.log2(eigh(a, b, eigvals_only=True)[-1])
    found = outage_sdp.search(programme(4, 1), link, 0.05).rate
    assert wanted - 0.01 < found < wanted + 1e-4  # the search over γ is no finer


def test_without_error_it_finds_what_opt_finds(programme):
    link = link_of(3, 4, 3, 0.0, snr=30.0)
    opt = jaxsec.design(link.h[None], link.mean, 1.0, method="opt", num_starts=8)
    known = jaxsec.sum_secrecy_rate(opt.w, opt.v, link.h[None], link.mean, 1.0)
    found = outage_sdp.search(programme(4, 3), link, 0.05).rate
    assert float(known) - 0.01 < found < 1.01 * float(known)


@pytest.mark.parametrize("probability", [0.3, 0.5])
def test_of_gains_alone_the_closed_form_is_found(programme, probability):
    """Beam at the user, noise in all other directions alike: the share where equality holds."""
    link, leak, sigma = link_of(4, 4, 2, 1.0), 1.0, -math.log(probability)

    def slack(beam):
        noise = leak * (1 - beam) / 3
        bernstein = math.sqrt(2 * sigma * (3 * noise**2 + beam**2)) + sigma * beam
        return 3 * noise - beam - bernstein + leak / link.error[0]

    beam = brentq(slack, 0.0, 1.0)
    wanted = math.log2((1 + beam * np.linalg.norm(link.h) ** 2) / (1 + leak))
    assert programme(4, 2)(link, leak, probability).rate == pytest.approx(wanted, abs=5e-3)


def test_few_directions_of_noise_promise_nothing_however_strong(programme):
    """With M = 4 and gains alone, unless −2·ln ρ < 3."""
    made = programme(4, 2)

    def promised(snr, probability):
        return outage_sdp.search(made, link_of(4, 4, 2, 1.0, snr), probability).rate

    assert promised(1e5, 0.3) > promised(1e3, 0.3) + math.log2(50)
    assert promised(1e5, 0.15) == pytest.approx(promised(1e3, 0.15), abs=0.1)


def test_dimensions_outside_the_span_are_left_out_without_loss(programme):
    """Two more eavesdroppers who hear nothing, and the programme has all dimensions."""
    link = link_of(5, 4, 1, 0.2)
    more = Link(
        link.h,
        np.concatenate([link.mean, 1e-4 * gaussian(np.random.default_rng(6), (2, 4))]),
        np.append(link.error, [1e-8, 1e-8]),
    )
    few, all_of_them = programme(4, 1)(link, 1.0, 0.05), programme(4, 3)(more, 1.0, 0.05)
    assert few.rate == pytest.approx(all_of_them.rate, abs=1e-3)


def test_one_beam_and_the_rest_as_noise_lose_nothing():
    """A covariance of full rank: the user hears as much, nobody else a better signal."""
    link = link_of(7, 4, 3, 0.0)
    root = gaussian(np.random.default_rng(8), (2, 4, 4))
    beam, noise = (0.5 * x @ x.conj().T / np.linalg.norm(x) ** 2 for x in root)
    design = sent(link.h, beam, noise, 1.0)

    def sinr(x):
        return (x.conj() @ beam @ x).real / (1 + (x.conj() @ noise @ x).real)

    assert 2 * 2**design.rate - 1 == pytest.approx(sinr(link.h), rel=1e-6)
    assert all(sinrs(design, link, link.mean) <= [sinr(g) for g in link.mean])
    assert np.linalg.norm(design.w) ** 2 + np.linalg.norm(design.v) ** 2 == pytest.approx(1.0)


def test_tuning_promises_more_and_keeps_to_the_outage(programme):
    link = link_of(10, 4, 2, 0.2)
    made = programme(4, 2)
    h_eve = drawn(link, 256)
    strict, loose = outage_sdp.nominal(made, link), outage_sdp.tuned(made, link, h_eve)
    assert loose.rate > strict.rate + 0.1
    missed = np.mean(outage_sdp.rates(loose, link, h_eve) < loose.rate)
    assert 0.02 < missed <= outage_sdp.OUTAGE
    assert np.mean(outage_sdp.rates(strict, link, h_eve) < strict.rate) < 0.02


def test_without_cvxpy_the_extra_is_named(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(InputError, match=r"cvxpy is missing.*jaxsec\[bench\]"):
        cvxpy()


@pytest.mark.long
@pytest.mark.usefixtures("programme")
def test_benchmark_runs(monkeypatch, tmp_path, capsys, no_type_checks):
    monkeypatch.setattr(outage_sdp, "ERRORS_EVE", (0.1,))
    path = tmp_path / "r.json"
    arguments = outage_sdp.Arguments(num_channels=3, num_draws=256, tuning_draws=64, json=path)
    assert outage_sdp.main(arguments, []) == 0
    rows = {row["design"]: row for row in json.loads(path.read_text())["rows"]}
    strict, loose = rows[outage_sdp.NOMINAL], rows[outage_sdp.TUNED]
    assert strict["promised"] < loose["promised"]
    assert strict["outage"] < loose["outage"] < 0.15
    assert strict["kept"] < rows["opt-robust"]["kept"] * 1.001
    assert abs(loose["distance"]) < 0.02
    assert "to be kept in 95%" in capsys.readouterr().out
