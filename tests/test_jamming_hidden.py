"""The benchmark of powers set without knowing eavesdroppers runs, and states what it measured."""

import json

import numpy as np
import pytest

from benchmarks import jamming_hidden
from benchmarks.jamming_hidden import Way
from jaxsec import InputError


def test_policies_are_stated_beside_the_oracle_and_the_searches():
    best = np.array([2.0, 4.0, 6.0])
    ways = [
        Way("oracle", best, 9.0, is_policy=False),
        Way("opt on the estimate", best - 1.0, 1.0, is_policy=False),
        Way("mine", best / 2.0, 0.1, is_policy=True),
    ]
    oracle, search, mine = jamming_hidden.stated("hidden", ways)
    assert (oracle["of_oracle"], search["of_oracle"], mine["of_oracle"]) == (1.0, 0.75, 0.5)
    assert "less" not in search and mine["ci95"] == pytest.approx(0.0)
    # Paired: -0, -1, -2 on the slots, over the oracle's mean of 4.
    mean, half = mine["less"]["opt on the estimate"]
    assert mean == pytest.approx(-0.25)
    assert half == pytest.approx(4.3027 / np.sqrt(3.0) / 4.0, rel=1e-4)


def test_scenarios_that_are_known_are_refused():
    with pytest.raises(InputError, match="`--scenarios` must be of noisy, sensed, hidden, but has"):
        jamming_hidden.main(jamming_hidden.Command(scenarios=("dense",)), [])


@pytest.mark.long
def test_searches_are_measured(tmp_path, capsys, no_type_checks):
    path = tmp_path / "hidden.json"
    command = jamming_hidden.Command(scenarios=("sensed",), quick=True, json=path)
    assert jamming_hidden.main(command, []) == 0
    share = {row["way"]: row["of_oracle"] for row in json.loads(path.read_text())["rows"]}
    assert list(share) == [
        "oracle", "opt on the estimate", "opt on 16 draws", "opt on 64 draws", "rule by hand",
        "best constant",
    ]  # fmt: skip
    assert share["opt on the estimate"] < share["opt on 64 draws"] < share["oracle"] == 1.0
    assert "% of the oracle" in capsys.readouterr().out
