"""`jaxsec explore`: a page in the browser on which receivers are placed and designs looked at."""

import dataclasses
import os
import sys

from jaxsec import checks, extras


@dataclasses.dataclass(frozen=True)
class Command:
    """Place users and eavesdroppers by sliders, choose a design, see where its beams and noise go.

    Opens a page in the browser, of a marimo notebook that runs on this machine until Ctrl-C. What
    is seen can be saved as files of channels and of a strategy. Needs the extra `explore`.
    """

    port: int = 2718
    """Where the page is served, on this machine only."""
    browser: bool = True
    """Open a browser; else only the address is printed."""


def run(command: Command, argv: list[str]) -> None:
    """Becomes the server of the page, which runs until it is stopped."""
    del argv
    checks.require(
        1 <= command.port <= 65535,
        f"`--port` must lie in 1 to 65535, but is {command.port}",
    )
    extras.require("marimo")
    from jaxsec.explore import app

    page = [sys.executable, "-m", "marimo", "-q", "run", str(app.__file__)]
    where = ["--host", "127.0.0.1", "--port", str(command.port)]
    print(f"http://127.0.0.1:{command.port} until Ctrl-C", flush=True)
    os.execv(page[0], [*page, *where, *([] if command.browser else ["--headless"])])
