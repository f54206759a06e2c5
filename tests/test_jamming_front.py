"""The benchmark of the optimiser's front runs, at a tiny size, and its claims are of its rows."""

import json

import pytest

from benchmarks import jamming_front
from jaxsec.jamming import optimise

CASES = [(0.995, 30.0, True), (0.9, 30.0, False), (0.995, 999.0, False)]


@pytest.mark.long
def test_the_front_is_measured_and_drawn(tmp_path, capsys, no_type_checks):
    path, figure = tmp_path / "front.json", tmp_path / "front.png"
    command = jamming_front.Command(quick=True, json=path, figure=figure)
    assert jamming_front.main(command, []) == 0
    rows = json.loads(path.read_text())["rows"]
    names = ["rule by hand", "polish", "single", "oracle"]
    assert [row["search"] for row in rows] == 2 * names
    for rule, polish, single, oracle in (rows[:4], rows[4:]):
        assert rule["of_oracle"] < polish["of_oracle"] < 1.02
        assert single["of_oracle"] > 0.8 and oracle["of_oracle"] == 1.0
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert "% of the oracle" in capsys.readouterr().out


@pytest.mark.parametrize(("share", "us", "holds"), CASES)
def test_claims_ask_for_quality_and_time(share, us, holds):
    rows = [
        {"scenario": "dense", "search": name, "of_oracle": share, "us": us}
        for name in optimise.SETTINGS
    ]
    assert [claim.holds for claim in jamming_front.check_claims(rows)] == [holds, holds]
