"""A training run from its configuration to a model file: pre-training on a dataset, fine-tuning.

Runs are resumed where they were killed, use all devices of all processes, and write, from the first
process, checkpoints, `metrics.jsonl`, `model.npz` and its card `model.json` into one folder.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax

from jaxsec import cdm, checks
from jaxsec.cdm import file as cdm_file
from jaxsec.cdm import pretrained, sampler
from jaxsec.cdm.coordinates import table as coordinates
from jaxsec.cdm.model import Model
from jaxsec.cdm.training import batches, dataset, finetune, pretrain, problems
from jaxsec.diffusion.networks import table as denoisers
from jaxsec.learning import loop, parallel
from jaxsec.learning import state as states
from jaxsec.learning.checkpoint import Checkpoints
from jaxsec.learning.state import State
from jaxsec.report import console, timing
from jaxsec.strategy import Size


def train(
    data: Path, out: Path, config: pretrain.Config, *, save_every: int, command: str
) -> Path | None:
    """Trains a diffusion model on expert data, or goes on training it.

    Args:
      data: folder made by `dataset.generate`.
      out: folder of the run; a new one, or one of the same configuration and data.
      config: how to train.
      save_every: steps between checkpoints.
      command: what started the run, for the model card.

    Returns:
      The model file, in the first process; None in the others.

    Raises:
      InputError: there is no such dataset, or the folder holds another run.
    """
    with parallel.together():
        manifest = dataset.read_manifest(data)
    content = dataset.content_hash(manifest)
    made_from = {"config": dataclasses.asdict(config), "data": content}
    checkpoints = Checkpoints(out, made_from)
    mesh = parallel.devices()
    with console.progress("reading expert data, shards", len(manifest["shards"])) as advance:
        loaded, standardiser = batches.load(
            data,
            coordinates.get(config.coordinates),
            entries=config.batch_entries,
            multiple=mesh.size,
            seed=config.seed,
            advance=advance,
        )
    network = denoisers.for_tables(config.denoiser, *batches.largest(loaded))
    state = parallel.replicate(mesh, pretrain.initial_state(config, network, loaded.buckets[0]))
    with _reported("training, steps", config.num_steps, "samples") as report:
        state = loop.run(
            out,
            checkpoints,
            state,
            pretrain.make_train_step(config, network, mesh),
            lambda step: parallel.share(mesh, loaded.sample(step)),
            num_steps=config.num_steps,
            save_every=save_every,
            report=report,
        )
    model = pretrain.to_model(config, network, state, standardiser, manifest)
    about = {
        "data": {"content": content, "recipe": manifest["recipe"]},
        "training": dataclasses.asdict(config),
    }
    return _write(out, model, state, command, about)


def fine_tune(
    source: Path,
    out: Path,
    config: finetune.Config,
    *,
    only: Size | None,
    save_every: int,
    command: str,
) -> Path | None:
    """Fine-tunes a diffusion model on the secrecy rate, or goes on; returns as `train` does.

    Args:
      source: weights of the model to start from, .npz with its card beside it.
      out: folder of the run; a new one, or one of the same configuration and start.
      config: how to fine-tune.
      only: the size of channels to draw; None for a mixture.
      save_every: steps between checkpoints.
      command: what started the run, for the model card.

    Raises:
      InputError: the model is missing, damaged or not of this size, or the folder holds another
        run.
    """
    with parallel.together():
        model = cdm_file.load(source)
    model = finetune.into(model, finetune.goes_on_in(model, config))
    if only is not None:
        cdm.check_size(model, *only)
    start = {"sha256": hashlib.sha256(source.read_bytes()).hexdigest()}
    if source.is_relative_to(pretrained.FOLDER):
        start["name"] = source.stem
    checkpoints = Checkpoints(
        out, {"config": dataclasses.asdict(config), "model": start, "size": only}
    )
    mesh = parallel.devices()
    channels = _channels(config, model, only, multiple=mesh.size)
    state = states.initial(model.params, finetune.optimiser(config))
    step = finetune.make_step(config, sampler.sampler_of(model), mesh)
    with _reported("fine-tuning, steps", config.num_steps, "channels") as report:
        state = loop.run(
            out,
            checkpoints,
            parallel.replicate(mesh, state),
            lambda state, batch: step(state, *batch),
            lambda i: (
                parallel.share(mesh, channels.sample(i)),
                finetune.timesteps_of(config, i),
            ),
            num_steps=config.num_steps,
            save_every=save_every,
            report=report,
        )
    about = {"start": start, "fine_tuning": dataclasses.asdict(config)}
    return _write(out, finetune.to_model(model, state), state, command, about)


def _channels(
    config: finetune.Config, model: Model, only: Size | None, multiple: int
) -> problems.Source:
    return problems.Source(
        coordinates=coordinates.get(model.coordinates),
        standardiser=model.standardiser,
        num_noise_beams=model.num_noise_beams,
        batch_entries=config.batch_entries,
        max_error=config.max_error,
        clustered=config.clustered,
        multiple=multiple,
        seed=config.seed,
        only=only,
    )


def model_path(name: str) -> Path:
    """Where the weights of a shipped model lie, by its name, or of a file, by its path.

    Raises:
      InputError: it is neither the name of a shipped model nor an .npz file.
    """
    if name in pretrained.names():
        return pretrained.FOLDER / f"{name}.npz"
    path = Path(name)
    checks.require(
        path.suffix == ".npz",
        f"`--model` must be one of {', '.join(pretrained.names())}, or a .npz file, but is "
        f"{name!r}",
    )
    return path


@contextmanager
def _reported(
    description: str, num_steps: int, what: str
) -> Iterator[Callable[[int, dict[str, float]], None]]:
    """What `loop.run` reports to: a progress bar with the loss and the speed."""
    with console.progress(description, num_steps) as advance:
        shown = 0

        def report(done: int, line: dict[str, float]) -> None:
            nonlocal shown
            advance(done - shown, f"loss {line['loss']:.4f}, {line['samples_per_s']:.0f} {what}/s")
            shown = done

        yield report


def _write(
    out: Path, model: Model, state: State, command: str, about: dict[str, Any]
) -> Path | None:
    if not parallel.is_first():
        return None
    card = {
        "command": command,
        **about,
        "num_parameters": sum(x.size for x in jax.tree.leaves(state.params)),
        "hardware": timing.hardware(),
        "seconds": loop.seconds(out),
    }
    path = out / "model.npz"
    cdm_file.save(path, model, card)
    return path
