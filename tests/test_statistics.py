"""Means, differences and ratios: their intervals cover what they should, for few samples too."""

import numpy as np
import pytest

from jaxsec.report import statistics
from jaxsec.report.comparison import Comparison, Result
from jaxsec.report.timing import Timing

STUDENT = {2: 12.7062, 3: 4.3027, 10: 2.2622, 20: 2.0930, 10_000: 1.9602}
"""From tables, by the number of samples."""


@pytest.mark.parametrize("n", STUDENT)
def test_intervals_are_students_for_any_number_of_samples(n):
    samples = np.random.default_rng(0).standard_normal(n)
    mean = statistics.mean_ci(samples)
    assert mean.value == pytest.approx(samples.mean())
    assert mean.ci95 == pytest.approx(STUDENT[n] * samples.std(ddof=1) / np.sqrt(n), rel=1e-4)


def test_one_sample_has_no_interval():
    mean = statistics.mean_ci(np.array([2.0], np.float32))
    assert mean == (2.0, None) and str(mean) == "2.00"
    assert str(statistics.mean_ci(np.array([1.0, 3.0]))) == "2.00 ± 12.71"
    assert statistics.ratio_of_means(np.array([1.0]), np.array([2.0])).ci95 is None


@pytest.mark.parametrize("n", [2, 5, 100])
def test_means_and_paired_differences_are_covered(n):
    draw = np.random.default_rng(n)
    shared = 10.0 * draw.standard_normal((3000, n))  # what the channels have in common
    ours = shared + draw.standard_normal(shared.shape) + 0.3
    differences = [statistics.paired_difference(*pair) for pair in zip(ours, shared, strict=True)]
    covered = np.mean([abs(value - 0.3) <= ci95 for value, ci95 in differences])
    assert 0.935 < covered < 0.965
    assert differences[0].ci95 < statistics.mean_ci(ours[0]).ci95


@pytest.mark.parametrize("n", [8, 400])
def test_ratio_of_means_and_its_interval(n):
    draw = np.random.default_rng(0)
    best = draw.uniform(20.0, 40.0, (2000, n))
    rate = best * draw.uniform(0.8, 1.0, best.shape)
    found = [statistics.ratio_of_means(*pair) for pair in zip(rate, best, strict=True)]
    covered = np.mean([abs(ratio.value - 0.9) <= ratio.ci95 for ratio in found])
    assert 0.93 < covered < 0.97
    assert found[0].value == pytest.approx(rate[0].mean() / best[0].mean())
    own = rate[0] / best[0]
    assert (found[0].worst, found[0].worst_index) == (pytest.approx(own.min()), own.argmin())
    exact = statistics.ratio_of_means(0.9 * best[0], best[0])
    assert exact.ci95 < 1e-12  # paired: what all channels share is no noise
    assert str(exact) == "90.00 ± 0.00%"


def test_a_channel_that_reaches_almost_nothing_does_not_decide():
    best, rate = np.array([1e-6, 40.0, 40.0]), np.array([0.0, 40.0, 40.0])
    ratio = statistics.ratio_of_means(rate, best)
    assert ratio.value == pytest.approx(1.0, abs=1e-6)  # the mean of ratios is two thirds
    assert (ratio.worst, ratio.worst_index) == (0.0, 0)


def test_where_nothing_can_be_reached_all_of_it_is():
    zero, rate = np.zeros(3), np.array([0.0, 1.0])
    assert statistics.ratio_of_means(zero, zero) == (1.0, None, 1.0, 0)
    np.testing.assert_array_equal(statistics.ratios(rate, np.array([0.0, 2.0])), [1.0, 0.5])


def test_a_comparison_counts_the_means():
    result = Result("opt", np.array([0.0, 1.0, 6.0]), 2, Timing(1.0, 1.0))
    compared = Comparison([result], np.array([0.0, 2.0, 6.0]))
    np.testing.assert_array_equal(compared.ratios(result), [1.0, 0.5, 1.0])
    ratio = compared.of_best_known(result)
    assert (ratio.value, ratio.worst, ratio.worst_index) == (pytest.approx(7 / 8), 0.5, 1)
    assert Comparison([result], None).of_best_known(result) is None


def test_intervals_of_independent_parts_add_up_in_squares():
    parts = [statistics.Mean(1.0, 0.3), statistics.Mean(2.0, 0.4)]
    assert statistics.mean_of_independent(parts) == (1.5, pytest.approx(0.25))
    assert statistics.mean_of_independent([*parts, statistics.Mean(3.0, None)]).ci95 is None
