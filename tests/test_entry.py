"""The command itself: its version, and what a shell completes."""

import pytest

import jaxsec
from jaxsec.cli.__main__ import COMMANDS, main


def test_version_is_the_librarys(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"jaxsec {jaxsec.__version__}\n"


@pytest.mark.slow
def test_completion_has_the_commands_and_their_options(capsys):
    assert main(["--tyro-print-completion", "bash"]) == 0
    script = capsys.readouterr().out
    assert all(word in script for word in (*COMMANDS, "--num-starts", "--rician-factor"))
