"""The benchmark of batteries that last over an episode states what it measured, and can fail."""

import json

import numpy as np
import pytest

from benchmarks import jamming_horizon
from benchmarks.jamming_horizon import MYOPIC, SEARCH, Acted
from jaxsec import InputError


def rows(mine):
    best = np.array([2.0, 4.0, 6.0])
    return jamming_horizon.stated(
        [Acted(SEARCH, best, 9.0), Acted(MYOPIC, best / 2.0, 1.0), Acted("mine", mine, 0.1, True)]
    )


def test_ways_are_stated_beside_the_search_and_the_optimiser():
    search, myopic, mine = rows(np.array([2.0, 4.0, 5.7]))
    assert (search["of_search"], myopic["of_search"]) == (1.0, 0.5)
    assert mine["of_search"] == pytest.approx(0.975)
    # Paired: 1, 2 and 2.7 on the episodes.
    assert mine["ahead"] == pytest.approx(1.9)
    half = 4.3027 * np.std([1, 2, 2.7], ddof=1) / np.sqrt(3.0)
    assert mine["ahead_ci95"] == pytest.approx(half, rel=1e-4)


def test_claims_hold_of_a_good_policy_and_fail_of_a_bad_one():
    good = jamming_horizon.check_claims(rows(np.array([3.0, 4.0, 5.0])))
    assert [claim.holds for claim in good] == [True, True]
    bad = jamming_horizon.check_claims(rows(np.array([1.5, 2.5, 3.5])))
    assert [claim.holds for claim in bad] == [True, False]  # 0.5 in each, and 62.5%
    unsure = jamming_horizon.check_claims(rows(np.array([1.0, 4.0, 8.0])))
    assert [claim.holds for claim in unsure] == [False, True]  # 2.3 ± 6.3


@pytest.mark.long
def test_everything_is_measured(tmp_path, capsys, no_type_checks):
    path = tmp_path / "horizon.json"
    assert jamming_horizon.main(jamming_horizon.Command(quick=True, json=path), []) == 0
    ways = [row["way"] for row in json.loads(path.read_text())["rows"]]
    assert ways == [SEARCH, "clairvoyant", MYOPIC, f"{MYOPIC} on 0.05 of what is there"]
    assert "% of model-predictive search" in capsys.readouterr().out


def test_too_few_episodes_are_refused():
    with pytest.raises(InputError, match="`--episodes` must be at least 2, but is 1"):
        jamming_horizon.main(jamming_horizon.Command(episodes=1), [])
