"""Designs on request, for `against`: one process, on the checkout that PYTHONPATH names.

    python -m benchmarks.speed.against_worker < requests

Uses what any two versions of the library share. Reads a line a request from its input, JSON, and
writes one with the seconds: {"case": [M, K, L], "batch": n, "method": name}.
"""

import functools
import json
import sys
import time
from typing import Any

import jax

import jaxsec


@functools.lru_cache(maxsize=1)
def channels(case: tuple[int, int, int], batch: int) -> Any:
    """P1's scenario at 20 dBm, seed 0."""
    num_antennas, num_users, num_eavesdroppers = case
    scenario = jaxsec.Scenario(
        num_antennas=num_antennas, num_users=num_users, num_eavesdroppers=num_eavesdroppers
    )
    return jax.block_until_ready(jaxsec.sample_channels(jax.random.key(0), scenario, batch))


def serve() -> None:
    """Until the input ends."""
    for line in sys.stdin:
        request = json.loads(line)
        inputs = channels(tuple(request["case"]), request["batch"])
        wall, cpu = time.perf_counter(), time.process_time()
        jax.block_until_ready(jaxsec.design(*inputs, method=request["method"]))
        seconds = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        print(json.dumps(seconds), flush=True)


if __name__ == "__main__":
    serve()
