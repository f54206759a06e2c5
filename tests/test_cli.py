"""The command line, in process: results, exit codes, one line for each mistake, no litter."""

import dataclasses
import json
import re
import subprocess
import sys

import jax
import numpy as np
import pytest
import scipy.io

from jaxsec import files, keys, methods, secrecy
from jaxsec.channels import Channels, Scenario, sample_channels
from jaxsec.cli import compare, design, options
from jaxsec.cli.__main__ import COMMANDS, GROUPS, main
from jaxsec.report import comparison, judge, timing
from jaxsec.strategy import Strategy

METHOD = "rzf-ns"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def channel_file(tmp_path):
    path = tmp_path / "channels.npz"
    channels = sample_channels(jax.random.key(3), Scenario(num_antennas=4), 6)
    files.save_channels(path, Channels(*(np.asarray(array) for array in channels)))
    return path


@pytest.fixture
def fake_reference(monkeypatch):
    """The real reference takes a minute; its own tests are elsewhere."""
    from jaxsec.precoding import reference

    def best_known(key, channels, **options):
        return np.full(channels.h_user.shape[0], 200.0)

    monkeypatch.setattr(reference, "best_known", best_known)


def refused(capsys, *argv) -> str:
    """The one line on stderr of a command that must be refused with exit code 2."""
    assert main([str(argument) for argument in argv]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("jaxsec: error: ") and captured.err.count("\n") == 1
    assert captured.err.endswith("\n")
    return captured.err


def names_in(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_help_lists_the_commands(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)


EVERY_COMMAND = [name for name in COMMANDS if name not in GROUPS]
EVERY_COMMAND += [f"{group} {name}" for group, names in GROUPS.items() for name in names]


@pytest.mark.parametrize("command", EVERY_COMMAND)
def test_each_command_has_help(command, capsys):
    assert main([*command.split(), "--help"]) == 0
    text = capsys.readouterr().out
    assert ("--seed" in text) == (command not in ("doctor", "evaluate", "explore"))
    if command in ("sample", "compare"):
        assert "--num-users" in text and "--num-eavesdroppers" in text


def test_method_help_lists_the_methods(capsys):
    main(["design", "--help"])
    words = re.sub(r"[\s│]", "", capsys.readouterr().out)  # long lists are wrapped
    assert ",".join(methods.METHODS) in words


def test_help_imports_no_jax():
    code = (
        "import sys; from jaxsec.cli.__main__ import main; main(['-h']); "
        "sys.exit('jax' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("argv", [[], ["dance"], ["design"], ["sample", "--num-users", "two"]])
def test_parse_errors_exit_with_2(argv, capsys):
    assert main(argv) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("ending", [".npz", ".mat"])
def test_sample_writes_the_channels_of_the_scenario(tmp_path, capsys, ending):
    path = tmp_path / f"c{ending}"
    argv = ["sample", "--num-channels", "5", "--num-users", "3", "--seed", "7", "--out", str(path)]
    assert main(argv) == 0
    assert str(path) in capsys.readouterr().out
    channels = files.load_channels(path)
    assert channels.h_user.shape == (5, 3, 8) and channels.h_eve.shape == (5, 4, 8)
    drawn = sample_channels(keys.channels(7), Scenario(num_users=3), 5)
    np.testing.assert_array_equal(channels.h_user, drawn.h_user)


@pytest.mark.parametrize("ending", [".npz", ".mat"])
def test_design_end_to_end(tmp_path, channel_file, capsys, ending):
    out, report = tmp_path / f"s{ending}", tmp_path / "s.json"
    argv = ["design", str(channel_file), "--method", METHOD, "--out", str(out)]
    assert main([*argv, "--json", str(report)]) == 0
    printed = capsys.readouterr().out
    stored, channels = files.load_strategy(out), files.load_channels(channel_file)
    w, v = stored.strategy
    assert w.shape == (6, 4, 2) and v.shape[:2] == (6, 4)
    assert w.dtype == v.dtype == np.complex64 and stored.secrecy_rate.dtype == np.float32
    assert (np.sum(np.abs(w) ** 2, (1, 2)) + np.sum(np.abs(v) ** 2, (1, 2)) <= 1 + 1e-5).all()
    np.testing.assert_allclose(
        stored.secrecy_rate, judge.secrecy_rates(stored.strategy, channels), rtol=1e-5
    )
    np.testing.assert_allclose(stored.sum_secrecy_rate, stored.secrecy_rate.sum(-1), rtol=1e-5)
    if ending == ".npz":
        with np.load(out) as arrays:
            assert set(arrays) == {"w", "v", "secrecy_rate", "sum_secrecy_rate"}
    else:
        assert "h_user" not in scipy.io.loadmat(out)
    numbers = json.loads(report.read_text())
    assert numbers["num_channels"] == 6 and numbers["method"] == METHOD
    assert numbers["sum_secrecy_rate"]["mean"] == pytest.approx(stored.sum_secrecy_rate.mean())
    assert numbers["worst_channel"]["index"] == int(np.argmin(stored.sum_secrecy_rate))
    assert numbers["command"].startswith("jaxsec design ") and numbers["us_per_channel"] > 0
    for text in ("6, M = 4", "K = 2", "L = 4", METHOD, "95% CI", "worst channel", str(out)):
        assert text in printed


def test_design_does_not_depend_on_the_units_of_the_file(tmp_path, channel_file):
    """Amplitudes of 1e-25 have squares that float32 does not hold."""
    channels = files.load_channels(channel_file)
    tiny = Channels(
        channels.h_user.astype(complex) * 1e-20,
        channels.h_eve.astype(complex) * 1e-20,
        channels.noise_power.astype(float) * 1e-40,
    )
    files.save_channels(tmp_path / "tiny.mat", tiny)
    rates = []
    for path in (channel_file, tmp_path / "tiny.mat"):
        out = tmp_path / "s.npz"
        assert main(["design", str(path), "--method", METHOD, "--out", str(out)]) == 0
        rates.append(files.load_strategy(out).sum_secrecy_rate)
    np.testing.assert_allclose(rates[1], rates[0], rtol=1e-4)


@pytest.mark.slow
def test_slices_change_nothing(tmp_path, channel_file, monkeypatch):
    def rates():
        out = tmp_path / "s.npz"
        assert main(["design", str(channel_file), "--method", METHOD, "--out", str(out)]) == 0
        return files.load_strategy(out).sum_secrecy_rate

    whole = rates()
    monkeypatch.setattr(comparison, "SLICE", 4)
    np.testing.assert_allclose(rates(), whole, rtol=1e-4)


def test_judge_agrees_with_secrecy():
    """Two implementations written apart, on random beams."""
    rng = np.random.default_rng(0)

    def normal(*shape):
        return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)

    for num_eves, j, noise in ((3, 2, np.float32(0.5)), (0, 0, np.array([0.1, 1, 2], np.float32))):
        channels = Channels(normal(3, 2, 4), normal(3, num_eves, 4), noise)
        strategy = Strategy(normal(3, 4, 2), normal(3, 4, j))
        expected = secrecy.secrecy_rates(*strategy, *channels)
        np.testing.assert_allclose(judge.secrecy_rates(strategy, channels), expected, atol=1e-5)


def test_compare_reports_the_same_numbers_everywhere(tmp_path, capsys, fake_reference):
    figure, report = tmp_path / "f.png", tmp_path / "r.json"
    argv = [
        "compare", "--methods", "mrt", METHOD, "--num-channels", "6", "--num-antennas", "4",
        "--figure", str(figure), "--json", str(report), "--seed", "5",
    ]  # fmt: skip
    assert main(argv) == 0
    printed = capsys.readouterr().out
    numbers = json.loads(report.read_text())
    assert figure.read_bytes().startswith(PNG)
    assert numbers["command"] == "jaxsec " + " ".join(argv)
    assert numbers["seed"] == 5 and numbers["num_channels"] == 6
    assert numbers["scenario"]["num_antennas"] == 4
    assert {"cpu", "cores", "jax", "backend"} <= set(numbers["hardware"])
    assert [row["method"] for row in numbers["methods"]] == ["mrt", METHOD]
    assert numbers["best_known"]["mean"] == 200.0
    for row in numbers["methods"]:
        mean, found = row["sum_secrecy_rate"]["mean"], row["of_best_known"]
        ratio = found["ratio_of_means"]
        assert ratio == pytest.approx(mean / 200.0)
        assert 0.0 <= found["worst"] <= ratio <= 1.0
        interval = f"{100 * ratio:.2f} ± {100 * found['ci95']:.2f}%"
        for text in (row["method"], f"{mean:.2f}", interval):
            assert text in printed


@pytest.mark.slow
def test_compare_without_best_known(tmp_path, capsys):
    report = tmp_path / "r.json"
    argv = ["compare", "--methods", METHOD, "--num-channels", "1", "--no-best-known"]
    assert main([*argv, "--json", str(report), "--figure", str(tmp_path / "f.svg")]) == 0
    numbers = json.loads(report.read_text())
    assert numbers["best_known"] is None and "of_best_known" not in numbers["methods"][0]
    assert numbers["methods"][0]["sum_secrecy_rate"]["ci95"] is None
    assert "best known" not in capsys.readouterr().out


@pytest.mark.slow
def test_compare_designs_on_estimates_and_judges_on_the_truth(tmp_path):
    rates = []
    for error in ("0", "0.05"):
        report = tmp_path / f"{error}.json"
        argv = ["compare", "--methods", METHOD, "--num-channels", "40", "--num-antennas", "4"]
        argv += ["--no-best-known", "--csi-error", error, "--json", str(report)]
        assert main(argv) == 0
        numbers = json.loads(report.read_text())
        rates.append(numbers["methods"][0]["sum_secrecy_rate"]["mean"])
    assert 0 < rates[1] < 0.8 * rates[0]


def test_compare_all_runs_every_method(tmp_path, monkeypatch):
    assert list(options.METHODS) == list(methods.METHODS)
    monkeypatch.setattr(compare, "METHODS", ("mrt", METHOD, "rzf"))
    report = tmp_path / "r.json"
    argv = ["compare", "--methods", "all", "--num-channels", "6", "--num-antennas", "4"]
    assert main([*argv, "--no-best-known", "--json", str(report)]) == 0
    rows = json.loads(report.read_text())["methods"]
    assert [row["method"] for row in rows] == ["mrt", METHOD, "rzf"]


def test_compare_refuses_options_that_no_method_heeds(tmp_path, capsys):
    argv = ["compare", "--methods", "mrt", "zf", "--num-starts", "3", "--json", tmp_path / "r.json"]
    wanted = "`--num-starts` is not heeded by mrt, zf, but by opt, opt-loaded"
    assert wanted in refused(capsys, *argv)
    assert names_in(tmp_path) == []


@dataclasses.dataclass(frozen=True)
class Wanted:
    steps: int = 3
    rate: float = 0.5


def test_options_reach_the_configuration_or_are_named():
    @dataclasses.dataclass(frozen=True)
    class Command:
        steps: int = 7
        out: str = "folder"

    assert options.configure(Wanted, Command(), "out") == Wanted(7, 0.5)
    with pytest.raises(TypeError, match=r"nothing heeds: \['out'\]"):
        options.configure(Wanted, Command())
    with pytest.raises(TypeError, match=r"do not exist: \['data'\]"):
        options.configure(Wanted, Command(), "out", "data")


def test_titles_count_in_words():
    title = comparison.in_words(Scenario(num_users=1, num_eavesdroppers=1), 1)
    assert title == "8 antennas, 1 user, 1 eavesdropper, 20 dBm, 1 channel"


def test_compile_clock_counts_nested_spans_once(monkeypatch):
    now = iter([0.0, 3.0, 4.0, 10.0])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(now))
    with timing.compile_clock() as seconds:
        for event, duration in (("compile/a", 0.0), ("compile/b", 2.0), ("compile/c", 4.0)):
            jax.monitoring.record_event_duration_secs("/jax/core/" + event, duration)
        jax.monitoring.record_event_duration_secs("/jax/other", 5.0)
    assert seconds() == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (["--method", "magic"], ", ".join(methods.METHODS)),
        (["--num-starts", "0"], "`--num-starts` must be at least 1"),
        (["--csi-error", "0.1", "--method", "opt"], "`--method` 'opt' designs for chan"),
        (["--method", "rzf-ns", "--refine", "3"], "`--refine` is not heeded by method 'rzf-ns'"),
        (["--method", "opt", "--fallback", "False"], "`--fallback` is not heeded by method 'opt'"),
        (["--num-noise-beams", "-1"], "`--num-noise-beams` must be at least 0"),
        (["--seed", "-1"], "`--seed` must lie in"),
        (["--json", "nowhere/s.json"], "no folder"),
    ],
)
def test_design_refuses_bad_options(tmp_path, channel_file, capsys, options, wanted):
    out = tmp_path / "s.npz"
    assert wanted in refused(capsys, "design", channel_file, "--out", out, *options)
    assert names_in(tmp_path) == ["channels.npz"]


def test_design_refuses_bad_files(tmp_path, channel_file, capsys, monkeypatch):
    def no_work(*_args, **_kwargs):
        pytest.fail("worked before the files were checked")

    monkeypatch.setattr(design.comparison, "design_in_slices", no_work)
    channels = files.load_channels(channel_file)
    np.savez(tmp_path / "real.npz", **channels._asdict() | {"h_user": channels.h_user.real})
    np.savez(tmp_path / "loud.npz", **channels._asdict() | {"noise_power": 1e-45})
    (tmp_path / "cut.npz").write_bytes(channel_file.read_bytes()[:300])
    (tmp_path / "folder.npz").mkdir()
    before = names_in(tmp_path)
    for name, out, wanted in (
        ("nothing.npz", "s.npz", "no such file"),
        ("real.npz", "s.npz", "`h_user` must be complex"),
        ("loud.npz", "s.npz", "|h|²/noise_power"),
        ("cut.npz", "s.npz", "damaged or truncated"),
        ("folder.npz", "s.npz", "is a folder"),
        ("channels.npz", "folder.npz", "is a folder"),
        ("channels.npz", "nowhere/s.npz", "no folder"),
        ("channels.npz", "s.txt", "must end in .npz or .mat"),
        ("channels.npz", "channels.npz", "already an input"),
    ):
        message = refused(capsys, "design", tmp_path / name, "--out", tmp_path / out)
        assert wanted in message and (name in message or out in message)
    assert names_in(tmp_path) == before


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (["--num-users", "0"], "`num_users` must be at least 1"),
        (["--antenna-correlation", "1"], "`antenna_correlation`"),
        (["--num-channels", "0"], "`--num-channels` must be at least 1"),
        (["--seed", str(2**32)], "`--seed`"),
        (["--transmit-power-dbm", "400"], "`noise_power` must be positive"),
    ],
)
def test_sample_refuses_bad_options(tmp_path, capsys, options, wanted):
    assert wanted in refused(capsys, "sample", "--out", tmp_path / "c.npz", *options)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (["--methods", "opt", "magic"], "must be one of"),
        (["--methods"], "at least one method"),
        (["--num-channels", "0"], "`--num-channels`"),
        (["--csi-error", "1.5"], "`--csi-error` must lie between 0 and 1, but is 1.5"),
        (["--figure", "f.bmp"], "must end in .png"),
        (["--num-eavesdroppers", "-1"], "`num_eavesdroppers`"),
    ],
)
def test_compare_refuses_bad_options(tmp_path, capsys, options, wanted):
    assert wanted in refused(capsys, "compare", *options)


def test_beams_that_are_not_finite_are_never_written(tmp_path, channel_file, capsys, monkeypatch):
    def broken(channels, **_kwargs):
        n, k, m = channels.h_user.shape
        return Strategy(np.full((n, m, k), np.nan + 0j), np.zeros((n, m, 1), complex))

    monkeypatch.setattr(comparison, "design", broken)
    message = refused(capsys, "design", channel_file, "--out", tmp_path / "s.npz")
    assert "no finite beams for 6 of 6 channels, the first at index 0" in message
    assert names_in(tmp_path) == ["channels.npz"]


def test_a_failing_slice_is_named(tmp_path, channel_file, capsys, monkeypatch):
    @dataclasses.dataclass(frozen=True)
    class Broken:
        def __call__(self, key, channels):
            n, k, m = channels.h_user.shape
            w = np.zeros((n, m, k), np.complex64)
            w[-1] = np.nan
            return methods.Designed(Strategy(w, w))

    monkeypatch.setattr(comparison, "SLICE", 4)
    monkeypatch.setitem(methods.METHODS, METHOD, methods.table.Row(Broken))
    message = refused(
        capsys, "design", channel_file, "--method", METHOD, "--out", tmp_path / "s.npz"
    )
    assert "channels 0 to 3: method 'Broken' found no finite beams for 1 of 4 cha" in message
    assert "the first at index 3" in message


def test_interrupt_leaves_nothing(tmp_path, channel_file, capsys, monkeypatch):
    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    for owner, name in ((comparison, "design"), (np, "savez")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, interrupted)
            out = str(tmp_path / "s.npz")
            assert main(["design", str(channel_file), "--method", METHOD, "--out", out]) == 130
        captured = capsys.readouterr()
        assert captured.err == "jaxsec: interrupted\n"
        assert names_in(tmp_path) == ["channels.npz"]
