"""The same network without diffusion: given no noise, called once, nothing to choose from."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from jaxsec import cdm
from jaxsec.cdm import file as cdm_file
from jaxsec.cdm import robust
from jaxsec.cdm.training import finetune
from jaxsec.channels import knowledge
from jaxsec.cli.__main__ import main
from jaxsec.diffusion.networks import table as denoisers
from jaxsec.diffusion.networks.set import SetDenoiser, SetSize
from tests import cases, models

pytestmark = pytest.mark.long


@pytest.fixture
def small(monkeypatch):
    """The small network, smaller."""
    size = SetSize(**models.SIZE)
    monkeypatch.setitem(denoisers.DENOISERS, "set-small", (SetDenoiser, size))
    return finetune.fresh("set-small", seed=1)


def test_its_design_depends_on_no_key(small, no_type_checks):
    channels = cases.channels(n=3)
    designs = [cdm.design(jax.random.key(seed), small, *channels) for seed in (1, 2)]
    np.testing.assert_array_equal(designs[0].w, designs[1].w)
    known = knowledge.estimated(channels.h_user, channels.h_eve, 0.01, 0.5)
    with pytest.raises(jaxsec.InputError, match="`num_samples` must be 1 for a model that does no"):
        robust.design(jax.random.key(1), small, known, channels.noise_power, num_samples=2)
    with pytest.raises(jaxsec.InputError, match="`num_steps` must be 1 for a model that does not"):
        robust.design(jax.random.key(1), small, known, channels.noise_power, num_steps=2)


def test_without_a_fallback_the_pass_is_what_is_sent(small, tmp_path, no_type_checks):
    channels = cases.channels(n=3)
    known = knowledge.estimated(channels.h_user, channels.h_eve, 0.01, 0.5)
    options = {"noise_power": channels.noise_power, "key": jax.random.key(2), "diagnostics": True}
    cdm_file.save(tmp_path / "model.npz", small, {})
    for objective in (jaxsec.secrecy.MEAN, jaxsec.secrecy.Outage(0.05)):
        options["objective"] = objective
        method = jaxsec.methods.RobustDiffusion(str(tmp_path / "model.npz"))
        with_it, both = jaxsec.design(known, method=method, **options)
        method = jaxsec.methods.RobustDiffusion(str(tmp_path / "model.npz"), fallback=False)
        alone, one = jaxsec.design(known, method=method, **options)
        np.testing.assert_allclose(jaxsec.secrecy.power(*alone), 1.0, rtol=1e-5)
        assert one.candidate_rates is None
        assert both.candidate_rates.shape == (3, 2)
        sent = np.argmax(both.candidate_rates, axis=1) == 0  # a network of random weights: seldom
        same = np.all(np.abs(with_it.w - alone.w) < 1e-6, axis=(1, 2))
        assert not sent.all()
        np.testing.assert_array_equal(same, sent)


def test_seeds_tell_fresh_networks_apart(small):
    again, other = (finetune.fresh("set-small", seed) for seed in (1, 2))
    kernels = [m.params["params"]["complex_in"]["kernel"] for m in (small, again, other)]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert float(jnp.abs(kernels[0] - kernels[2]).max()) > 0.01


def test_the_command_trains_one_from_nothing(small, tmp_path, capsys, no_type_checks):
    options = ["--model", "set-small", "--coordinates", "known", "--size", "4", "2", "1"]
    options += ["--batch-entries", "30", "--num-steps", "2", "--out", str(tmp_path / "run")]
    assert main(["finetune", *options]) == 2
    assert "`ddim_steps` must be (1,) for a network without diffusion" in capsys.readouterr().err
    options += ["--ddim-steps", "1"]
    assert main(["finetune", *options, "--refine", "1"]) == 2
    assert "`refine` must be 0 in known coordinates" in capsys.readouterr().err
    assert main(["finetune", *options]) == 0
    model = cdm_file.load(tmp_path / "run" / "model.npz")
    assert model.deterministic
    assert model.denoiser == "set-small"
    assert cdm_file.read_card(tmp_path / "run" / "model.npz")["start"] == {"name": "set-small"}
