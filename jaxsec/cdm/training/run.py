"""A training run from its configuration to a model file: pre-training on a dataset, fine-tuning.

Runs are resumed where they were killed, use all devices of all processes, and write, from the first
process, checkpoints, `metrics.jsonl`, `model.npz` and its card `model.json` into one folder.
"""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

from jaxsec import cdm, checks
from jaxsec.cdm import file as cdm_file
from jaxsec.cdm import pretrained, sampler
from jaxsec.cdm.coordinates import table as coordinates
from jaxsec.cdm.model import Model
from jaxsec.cdm.training import batches, dataset, finetune, pretrain, problems
from jaxsec.diffusion.networks import table as denoisers
from jaxsec.learning import parallel
from jaxsec.learning import state as states
from jaxsec.learning.state import State
from jaxsec.report import console
from jaxsec.report import run as runs
from jaxsec.strategy import Size

WITHOUT_DIFFUSION = ("set", "set-small")
"""Networks that can be trained on the rate from nothing: no noise, one call (`finetune.fresh`)."""


def train(
    data: Path,
    out: Path,
    config: pretrain.Config,
    *,
    save_every: int,
    command: str,
    half: bool = False,
) -> Path | None:
    """Trains a diffusion model on expert data, or goes on training it.

    Args:
      data: folder made by `dataset.generate`.
      out: folder of the run; a new one, or one of the same configuration and data.
      config: how to train.
      save_every: steps between checkpoints.
      command: what started the run, for the model card.
      half: write the weights in half precision.

    Returns:
      The model file, in the first process; None in the others.

    Raises:
      InputError: there is no such dataset, or the folder holds another run.
    """
    with parallel.together():
        manifest = dataset.read_manifest(data)
    content = dataset.content_hash(manifest)
    made_from = {"config": dataclasses.asdict(config), "data": content}
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
    state = runs.train(
        out,
        made_from,
        state,
        pretrain.make_train_step(config, network, mesh),
        lambda step: parallel.share(mesh, loaded.sample(step)),
        num_steps=config.num_steps,
        save_every=save_every,
    )
    model = pretrain.to_model(config, network, state, standardiser, manifest)
    about = {
        "data": {"content": content, "recipe": manifest["recipe"]},
        "training": dataclasses.asdict(config),
    }
    return _write(out, model, state, command, about, half)


def fine_tune(
    source: str,
    out: Path,
    config: finetune.Config,
    *,
    only: Size | None,
    save_every: int,
    command: str,
    half: bool = False,
) -> Path | None:
    """Fine-tunes a diffusion model on the secrecy rate, or goes on; returns as `train` does.

    Args:
      source: the model to start from: a shipped one by its name, a file of weights, .npz with its
        card beside it, or a network of `WITHOUT_DIFFUSION`, of random weights.
      out: folder of the run; a new one, or one of the same configuration and start.
      config: how to fine-tune.
      only: the size of channels to draw; None for a mixture.
      save_every: steps between checkpoints.
      command: what started the run, for the model card.
      half: write the weights in half precision.

    Raises:
      InputError: the model is missing, damaged or not of this size, or the folder holds another
        run.
    """
    with parallel.together():
        model, start = _start(source, config)
    model = finetune.into(model, finetune.goes_on_in(model, config))
    checks.require(
        config.refine == 0 or model.coordinates != "known",
        "`refine` must be 0 in known coordinates: OPT's iteration trusts the channels",
    )
    if only is not None:
        cdm.check_size(model, *only)
    made_from = {"config": dataclasses.asdict(config), "model": start, "size": only}
    mesh = parallel.devices()
    channels = _channels(config, model, only, multiple=mesh.size)
    state = states.initial(model.params, finetune.optimiser(config))
    step = finetune.make_step(config, sampler.sampler_of(model), mesh)
    state = runs.train(
        out,
        made_from,
        parallel.replicate(mesh, state),
        lambda state, batch: step(state, *batch),
        lambda i: (parallel.share(mesh, channels.sample(i)), finetune.timesteps_of(config, i)),
        num_steps=config.num_steps,
        save_every=save_every,
        description="fine-tuning, steps",
        what="channels",
    )
    about = {"start": start, "fine_tuning": dataclasses.asdict(config)}
    return _write(out, finetune.to_model(model, state), state, command, about, half)


def _channels(
    config: finetune.Config, model: Model, only: Size | None, multiple: int
) -> problems.Source:
    return problems.Source(
        coordinates=coordinates.get(model.coordinates),
        standardiser=model.standardiser,
        num_noise_beams=model.num_noise_beams,
        batch_entries=config.batch_entries,
        clustered=config.clustered,
        multiple=multiple,
        seed=config.seed,
        only=only,
        told=finetune.told(config),
    )


def _start(source: str, config: finetune.Config) -> tuple[Model, dict[str, str]]:
    """A model by its name, and what tells it from others.

    Raises:
      InputError: there is no such model, or its files are damaged.
    """
    if source in WITHOUT_DIFFUSION:
        checks.require(
            config.ddim_steps == (1,),
            "`ddim_steps` must be (1,) for a network without diffusion, but is "
            f"{config.ddim_steps}",
        )
        return finetune.fresh(source, config.seed), {"name": source}
    shipped = source in pretrained.names()
    path = pretrained.FOLDER / f"{source}.npz" if shipped else Path(source)
    checks.require(
        path.suffix == ".npz",
        f"`--model` must be one of {', '.join((*pretrained.names(), *WITHOUT_DIFFUSION))}, or a "
        f".npz file, but is {source!r}",
    )
    model = cdm_file.load(path)
    name = {"name": source} if shipped else {}
    return model, {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), **name}


def _write(
    out: Path, model: Model, state: State, command: str, about: dict[str, Any], half: bool
) -> Path | None:
    if not parallel.is_first():
        return None
    path = out / "model.npz"
    cdm_file.save(path, model, runs.card(out, state.params, command, about), half=half)
    return path
