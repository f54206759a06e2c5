"""What is missing is named, with the extra that brings it."""

import builtins
import subprocess
import sys

import pytest

from jaxsec import InputError, extras
from jaxsec.cli.__main__ import main
from jaxsec.files import archive, reading

PROGRAM = """
import sys
sys.modules.update(dict.fromkeys({missing!r}))  # None makes an import fail
from jaxsec.cli.__main__ import main
command = ["design", {channels!r}, "--out", {out!r}, "--method"]
codes = [main([*command, name]) for name in ("zf", "cdm")]
sys.exit(codes != [0, 2])
"""


@pytest.mark.slow
def test_the_core_designs_and_says_what_more_needs(tmp_path):
    channels, out = str(tmp_path / "channels.npz"), str(tmp_path / "strategy.npz")
    assert main(["sample", "--num-channels", "2", "--out", channels]) == 0
    program = PROGRAM.format(missing=list(extras.EXTRAS), channels=channels, out=out)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    line = "jaxsec: error: flax is not installed: pip install 'jaxsec[train]'\n"
    assert (done.returncode, done.stderr) == (0, line)


def test_a_missing_package_is_named_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(extras.MissingExtra, match=r"matplotlib is not .* 'jaxsec\[plot\]'"):
        archive.check_outputs((), (tmp_path / "a.png", archive.PICTURES))
    archive.check_outputs((), (tmp_path / "a.json", ()))


def test_a_file_that_needs_a_missing_package_is_not_damaged(tmp_path, monkeypatch):
    actual = builtins.__import__

    def without_h5py(name, *args, **options):
        if name == "h5py":
            raise ModuleNotFoundError("No module named 'h5py'", name="h5py")
        return actual(name, *args, **options)

    file = tmp_path / "channels.h5"
    file.write_bytes(b"\x89HDF\r\n\x1a\n")
    monkeypatch.setattr(builtins, "__import__", without_h5py)
    with pytest.raises(InputError, match=r"h5py is not installed: pip install 'jaxsec\[hdf5\]'"):
        reading.read_arrays(file, ["h_user"])


def test_a_module_that_no_extra_has_keeps_its_error():
    error = ModuleNotFoundError("No module named 'nobody'", name="nobody")
    assert extras.explained(error) is error
    missing = extras.explained(ModuleNotFoundError("", name="orbax.checkpoint"))
    assert isinstance(missing, InputError) and isinstance(missing, ImportError)
