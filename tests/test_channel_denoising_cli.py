"""`jaxsec denoise`: trained, killed, resumed and judged; mistakes in one line."""

import json

import numpy as np
import pytest

from jaxsec.channel_denoising.pilots import judge, train
from jaxsec.cli.__main__ import main

TINY = "--num-antennas 4 --num-links 32 --width 6 --num-steps 6 --batch-size 8 --save-every 2"


class Stop(Exception):
    """Kills a training."""


@pytest.mark.long
@pytest.mark.usefixtures("no_type_checks")
def test_a_training_that_was_killed_ends_with_the_same_file(tmp_path, monkeypatch, capsys):
    words = ["denoise", "train", *TINY.split()]
    assert main([*words, "--out", str(tmp_path / "whole")]) == 0
    assert "model.npz" in capsys.readouterr().out
    batch = train.batch

    def until(config, pool, step):
        if step == 4:
            raise Stop
        return batch(config, pool, step)

    with monkeypatch.context() as patch:
        patch.setattr(train, "batch", until)
        with pytest.raises(Stop):
            main([*words, "--out", str(tmp_path / "killed")])
    assert main([*words, "--out", str(tmp_path / "killed")]) == 0
    one, other = (np.load(tmp_path / name / "model.npz") for name in ("whole", "killed"))
    for name in one.files:
        np.testing.assert_array_equal(one[name], other[name])


@pytest.mark.long
def test_a_model_is_judged_and_drawn(tmp_path, capsys):
    out, picture = tmp_path / "a.json", tmp_path / "a.png"
    files = ["--json", str(out), "--figure", str(picture)]
    few = ["--num-channels", "2", "--pilot-snr-db", "10", "--chain-steps", "3"]
    assert main(["denoise", "evaluate", *few, *files]) == 0
    assert "denoiser, 1 call" in capsys.readouterr().out
    rows = {row["way"]: row for row in json.loads(out.read_text())["rows"]}
    assert set(rows) == {
        "least squares", judge.LINEAR, "regressor", "denoiser, 1 call", "denoiser, chain of 3",
    }  # fmt: skip
    assert rows[judge.LINEAR]["rate_more"] == 0.0
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("train --out o --num-symbols 4", "`--num-symbols` must be left out where `--what` is ch"),
        ("train --out o --what symbols --num-links 4", "`--num-links` must be left out where"),
        ("train --out o --num-antennas 1", "`num_antennas` must be at least 2, but is 1"),
        ("train --out o --save-every 0", "`--save-every` must be at least 1, but is 0"),
        ("evaluate nothing", "`model` must be one of channels"),
        ("evaluate nothing.npz", "nothing.npz: there is no such file"),
        ("evaluate --passes 2", "`--passes` must be left out for a model of channels"),
        ("evaluate --num-channels 1", "`num_channels` must be at least 2, but is 1"),
        ("evaluate --pilot-snr-db 90", "`snrs_db` must lie between -15 and 35 dB"),
        ("evaluate --figure a.txt", "a.txt: the file must end in .png"),
    ],
)
def test_mistakes_are_named_in_one_line(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["denoise", *words.split()]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_group_lists_its_commands(capsys):
    assert main(["denoise", "--help"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("train", "evaluate"))
