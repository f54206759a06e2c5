"""The benchmark of one policy for many sizes runs, and claims no more than it has measured."""

import json

import numpy as np
import pytest

from benchmarks import jamming_sizes
from benchmarks.jamming_sizes import MAX_LOSS, Command
from jaxsec import InputError
from jaxsec.jamming import file as policy_file
from jaxsec.jamming import optimise
from jaxsec.jamming.sizes import Size
from jaxsec.rl import equivariant
from tests.test_jamming_sizes import fresh

SIZES = (Size(3, 3, 2), Size(2, 2, 0))


@pytest.fixture(autouse=True)
def one_round(monkeypatch):
    """Of messages, as in all networks of `fresh`."""
    monkeypatch.setattr(equivariant, "NUM_ROUNDS", 1)


def row(**more):
    return {"size": "8x4", "way": "trained at 8x4", "of_best": 0.9, "ci95": 0.01, **more}


def test_differences_are_paired_and_in_units_of_the_optimiser():
    best = np.array([2.0, 4.0, 6.0])
    mean, half = jamming_sizes.less(best - [0.0, 1.0, 2.0], best, best)
    assert mean == pytest.approx(-0.25)  # a mean loss of 1, over the mean best of 4
    assert half == pytest.approx(4.3027 / np.sqrt(3.0) / 4.0, rel=1e-4)


def test_a_claim_holds_if_all_of_its_interval_does():
    """And is made only of sizes that have a policy of their own."""
    small, wide = [-MAX_LOSS / 2, MAX_LOSS / 4], [-MAX_LOSS / 2, MAX_LOSS]
    rows = [row(policy_less=small), row(), row(way="policy"), row(policy_less=wide)]
    assert [claim.holds for claim in jamming_sizes.check_claims(rows)] == [True, False]


def test_policies_for_one_size_are_not_taken_for_one_of_many(tmp_path, no_type_checks):
    one = tmp_path / "one.npz"
    policy_file.save(one, fresh("equivariant"), {})
    with pytest.raises(InputError, match=r"must be trained by `--sizes`, but .*one\.npz"):
        jamming_sizes.main(Command(one), [])
    many, flat = tmp_path / "many.npz", tmp_path / "flat.npz"
    policy_file.save(many, fresh("equivariant")._replace(sizes=SIZES), {})
    with pytest.raises(InputError, match=r"must be trained on one size of .*many\.npz"):
        jamming_sizes.main(Command(many, single=(many,)), [])
    with pytest.raises(InputError, match=r"`--single` must name one policy a size, .* 3x2, 3x2"):
        jamming_sizes.main(Command(many, single=(one, one)), [])
    policy_file.save(flat, fresh("flat"), {})
    with pytest.raises(InputError, match=r"must be trained by `--sizes`, but .*flat\.npz"):
        jamming_sizes.main(Command(flat, sizes=("2x1",), fresh_slots=2), [])


@pytest.mark.long
def test_policies_are_measured_at_every_size(tmp_path, monkeypatch, capsys, no_type_checks):
    monkeypatch.setattr(jamming_sizes, "REFERENCE", optimise.SETTINGS["single"])
    many, own, path = tmp_path / "many.npz", tmp_path / "own" / "policy.npz", tmp_path / "out.json"
    policy_file.save(many, fresh("equivariant")._replace(sizes=SIZES), {})
    own.parent.mkdir()
    policy_file.save(own, fresh("equivariant"), {})
    command = Command(many, (own,), sizes=("3x2", "2x0"), fresh_slots=16, json=path)
    assert jamming_sizes.main(command, []) == 0  # the same networks lose nothing
    rows = json.loads(path.read_text())["rows"]
    assert [(one["size"], one["way"]) for one in rows] == [
        (size, way)
        for size in ("3x2", "2x0")
        for way in ("rule by hand", "policy", "trained at 3x2")
    ]
    policy, single = rows[1], rows[2]
    assert policy["of_best"] == single["of_best"] < 1.0
    assert policy["trained_here"] and single["policy_less"] == [0.0, 0.0]
    assert not rows[5]["trained_here"] and "policy_less" not in rows[5]
    assert "within 1.5 points of one trained at 3x2" in capsys.readouterr().out
