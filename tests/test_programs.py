"""Compiled programs are kept, dropped and shared; batches are cut to what they serve."""

import concurrent.futures
import gc
import os
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxsec
from jaxsec import cores
from jaxsec.precoding import gpip
from jaxsec.precoding.batched import chunks, programs
from tests import cases

MAPS = Path("/proc/self/maps")


def scaled(x, *, factor):
    return factor * x


def test_the_least_recently_used_go():
    table = programs.Programs(limit=2)
    x = [np.ones(n, np.float32) for n in (1, 2, 3)]
    first, second = (table.get(scaled, a, factor=2.0) for a in x[:2])
    np.testing.assert_array_equal(first(x[0]), [2.0])
    assert table.get(scaled, x[0], factor=2.0) is first
    table.get(scaled, x[2], factor=2.0)  # and the second is gone
    assert len(table) == 2
    assert table.get(scaled, x[0], factor=2.0) is first
    assert table.get(scaled, x[1], factor=2.0) is not second


def test_whatever_changes_the_program_is_part_of_its_name():
    table = programs.Programs()
    x = np.ones(3, np.float32)
    wanted = [
        (x, 2.0), (x, 3.0), (x.astype(np.int32), 2.0), (x[:2], 2.0), ((x, None), 2.0),
        (x[None], 2.0), (x.astype(np.complex64), 2.0),
    ]  # fmt: skip
    found = [table.get(scaled, args, factor=factor) for args, factor in wanted]
    assert len(set(map(id, found))) == len(wanted) == len(table)
    assert table.get(scaled, jnp.asarray(x), factor=2.0) is found[0]
    np.testing.assert_array_equal(found[1](x), [3.0, 3.0, 3.0])
    table.clear()
    assert len(table) == 0


def test_what_cannot_be_built_is_tried_once():
    tried = []

    def fragile(x, *, fast):
        tried.append(fast)
        if fast:
            raise jax.errors.JaxRuntimeError("UNIMPLEMENTED")
        return x + 1.0

    table = programs.Programs()
    x = np.ones(2, np.float32)
    for _ in range(3):
        program = table.get(fragile, x, instead=(("fast", False),), fast=True)
        np.testing.assert_array_equal(program(x), 2.0)
    assert tried == [True, False]
    with pytest.raises(jax.errors.JaxRuntimeError):
        table.get(fragile, x, fast=True)(x)


def test_programs_of_several_threads_run_one_after_the_other():
    running, most = [], []

    def note(x):
        running.append(x)
        most.append(len(running))
        time.sleep(0.05)
        running.pop()
        return x

    def noted(x):
        return jax.pure_callback(note, jax.ShapeDtypeStruct(x.shape, x.dtype), x)

    program = programs.Programs().get(noted, np.zeros(1, np.float32))
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        found = list(threads.map(program, np.arange(8, dtype=np.float32)[:, None]))
    np.testing.assert_array_equal(np.concatenate(found), np.arange(8))
    assert len(most) == 8
    assert max(most) == 1


@pytest.mark.long
def test_designs_for_uncertain_channels_come_from_several_threads():
    """On two cores, of programs that run at once, one waited for the other for ever."""
    code = """
import concurrent.futures
import jax, jaxsec
from jaxsec.channels import knowledge
from jaxsec.precoding.robust import stochastic_gpip
channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 256)
known = knowledge.estimated(channels.h_user, channels.h_eve, 0.1)
def design(seed):
    return stochastic_gpip(jax.random.key(seed), known, channels.noise_power, num_steps=4)
with concurrent.futures.ThreadPoolExecutor(2) as threads:
    for _ in range(3):
        assert all(found.w.shape == (256, 8, 2) for found in threads.map(design, range(4)))
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("m", "k", "l"), [(8, 2, 4), pytest.param(12, 6, 6, marks=pytest.mark.long)]
)
def test_single_kernels_are_built_where_they_fit(m, k, l, full_compilation_here):
    """Not silently done without, at twice the compile time and half the speed."""
    channels = cases.at_snr(0, 256, m, k, l, 20.0)  # a program that `test_gpip` has as well
    before = list(programs.PROGRAMS._table)
    gpip.opt(*channels)
    (new,) = [key for key in programs.PROGRAMS._table if key not in before]
    assert len(programs.PROGRAMS._table[new]._forms) == 2


@pytest.mark.slow
@pytest.mark.skipif(not MAPS.exists(), reason="memory maps are Linux's")
def test_a_dropped_program_frees_its_memory_maps():
    def maps():
        return MAPS.read_bytes().count(b"\n")

    def grow(x, *, steps):
        for i in range(steps):
            x = jnp.sort(x * i) + jnp.cumsum(x)
        return x

    table = programs.Programs(limit=1)
    x = np.ones(8, np.float32)

    def count(steps):
        jax.block_until_ready(table.get(grow, x, steps=steps)(x))
        return maps()

    counts = [count(steps) for steps in range(10, 20)]
    table.clear()
    one = counts[-1] - maps()
    assert one > 0
    assert counts[-1] - counts[0] < 5 * one  # ten were compiled


@settings(deadline=None, max_examples=300)
@given(
    n=st.integers(1, 20_000),
    chunk=st.sampled_from([32, 64, 128, 256]),
    repeats=st.sampled_from([1, 2, 8, 300]),
    lanes=st.integers(1, 9),
)
def test_pieces_are_the_batch_in_few_lengths(n, chunk, repeats, lanes):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "usable_cores", lambda: lanes)
        cuts = chunks.pieces(n, chunk, repeats)
    assert [cut.start for cut in cuts] == [0, *[cut.stop for cut in cuts[:-1]]]
    assert cuts[-1].stop == n
    lengths = {cut.length for cut in cuts}
    assert len(lengths) <= 3 and lengths <= set(chunks.LENGTHS)
    for cut in cuts:
        assert 0 < cut.stop - cut.start <= cut.length
        assert cut.length == 1 or cut.length * repeats <= chunk
    computed = sum(cut.length for cut in cuts)
    assert computed <= 2 * n
    if n > 12 * lanes * chunk:
        assert computed <= 1.05 * n


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 1500), st.integers(16, 200))
def test_chunks_are_of_one_length_and_hardly_filled_up(n, chunk):
    computed = []

    def solve(x):
        computed.append(x.shape[0])
        return 2 * x

    found = jax.eval_shape(lambda x: chunks.map_chunks(solve, (x,), chunk), np.zeros(n, np.int8))
    assert found.shape == (n,)
    length = computed[-1]
    if n <= chunk:
        assert length == n
        return
    assert length % chunks.VECTOR == 0 and length < chunk + chunks.VECTOR
    assert -n % length < max(chunk // 2, chunks.VECTOR)


@pytest.mark.slow
def test_how_a_batch_is_cut_and_filled_changes_nothing():
    """5 of 8, and in pieces, against one by one."""
    channels = cases.channels(n=5, num_antennas=3, num_eavesdroppers=1)
    options = {"smoothing": np.array([0.5, 0.2]), "num_noise_beams": 1}
    whole = gpip.opt(*channels, **options)
    for i in range(5):
        alone = gpip.opt(*(x[i] for x in channels), **options)
        np.testing.assert_allclose(alone.info.rate, whole.info.rate[i], rtol=1e-4)
        np.testing.assert_allclose(
            alone.info.rate_history, whole.info.rate_history[:, i], rtol=1e-3
        )
    again = gpip.opt(*channels, **options)
    np.testing.assert_array_equal(again.strategy.w, whole.strategy.w)


@pytest.mark.slow
def test_random_starts_belong_to_the_channel_not_to_its_piece():
    channels = cases.channels(n=256, num_antennas=3, num_eavesdroppers=1)
    options = {"smoothing": np.array([0.5, 0.2]), "num_noise_beams": 1}
    options |= {"num_starts": 3, "key": jax.random.key(1)}
    rate = gpip.opt(*channels, **options).info.rate
    some = gpip.opt(*(x[:200] for x in channels), **options).info.rate
    np.testing.assert_allclose(some, rate[:200], rtol=1e-4)


@pytest.mark.long
@pytest.mark.skipif(not MAPS.exists(), reason="memory maps are Linux's")
def test_maps_do_not_grow_with_the_shapes_that_are_served(monkeypatch):
    """Kept for good, programs of 150 shapes would take all 65,530 that Linux gives a process."""
    programs.PROGRAMS.clear()
    jax.clear_caches()
    gc.collect()  # what tests before have compiled would go while maps are counted
    monkeypatch.setattr(programs.PROGRAMS, "limit", 4)
    before, taken = MAPS.read_bytes().count(b"\n"), []
    sizes = [(m, k, l) for m in (1, 2, 3, 4, 5) for k in (1, 2) for l in (0, 1, 2)]
    for m, k, l, n in [(*size, n) for n in (1, 2, 3, 5, 9) for size in sizes][::7]:
        channels = cases.at_snr(0, n, m, k, l, 20.0)
        info = gpip.opt(*channels, num_noise_beams=1, smoothing=np.array([0.5])).info
        assert bool(jnp.isfinite(info.rate).all())
        taken.append(MAPS.read_bytes().count(b"\n") - before)
    assert len(taken) == 22 and len(programs.PROGRAMS) == 4
    kept = max(taken[:11])
    assert max(taken[11:]) < 1.5 * kept  # 0.5 is 40 maps for each of 11 shapes
    assert programs.MAX_PROGRAMS / 4 * kept < 30_000


def test_cores_are_those_the_process_may_use(tmp_path, monkeypatch):
    groups, own = tmp_path / "groups", tmp_path / "cgroup"
    (groups / "pod" / "box").mkdir(parents=True)
    own.write_text("1:cpu:/old\n0::/pod/box\n")

    def limit(**lines):
        for name, line in lines.items():
            folder = groups / {"top": "", "pod": "pod", "box": "pod/box"}[name]
            (folder / "cpu.max").write_text(line)
        cores._container_limit.cache_clear()
        return cores._container_limit(groups, own)

    assert limit() == 2.0**30
    assert limit(box="max 100000\n") == 2.0**30
    assert limit(pod="250000 100000\n") == 2.5
    assert limit(box="150000 100000\n") == 1.5
    assert limit(top="50000 100000\n") == 0.5
    monkeypatch.setattr(cores, "_GROUPS", groups)
    monkeypatch.setattr(cores, "_OWN_GROUP", own)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)), raising=False)
    for line, wanted in (("50000 100000", 1), ("250000 100000", 2), ("max 100000", 6)):
        limit(top=line, pod="max 100000", box="max 100000")
        assert cores.usable_cores() == wanted
    cores._container_limit.cache_clear()


def test_an_empty_batch_is_refused(no_type_checks):
    channels = cases.channels(n=1)
    with pytest.raises(jaxsec.InputError, match=r"at least one channel, .* \(0, 2, 8\)"):
        jaxsec.design(*(x[:0] for x in channels))
