"""CDM, P1's generative designer: a diffusion model of beams and artificial noise.

`designer` has the public function, `sampler` what it compiles, `model` what is trained; `training`
makes models, `file` stores them, `pretrained` ships some.
"""

from jaxsec import extras

try:
    from jaxsec.cdm.designer import design
    from jaxsec.cdm.model import DEFAULT_STEPS, Model, check_size
except ModuleNotFoundError as error:
    raise extras.explained(error) from None

__all__ = ["DEFAULT_STEPS", "Model", "check_size", "design"]
