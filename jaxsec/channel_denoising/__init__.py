"""Channel denoising by diffusion, CDDM: an observation is a step of the diffusion already.

A channel that adds Gaussian noise does what the forward process of a diffusion does. So a denoiser
is entered at the step whose signal-to-noise ratio is the channel's, and no noise is drawn (T. Wu et
al., CDDM: Channel Denoising Diffusion Models for Wireless Communications, IEEE GLOBECOM 2023).

`pilots` denoises estimates of channels for `jaxsec.design`; `symbols` those of a source-channel
coder. Deviations from the paper, each with its reason:

1. The schedule is even in decibels, so that every channel is within an eighth of one of a step.
2. Networks put out the velocity (pilots), or the clean symbols beside the equaliser's, not the
   noise: near the clean end a large error of the noise is a small one of the signal.
3. The chain of symbols runs on z/W_s, which is the same chain, symbol by symbol.
4. Decoders are told the noise of every symbol, as the denoiser is: else its gain would be in part
   what it alone knows.
5. Digits and dense networks instead of CIFAR-10 and convolutions; a coder and a denoiser for each
   channel and ratio.
"""

from jaxsec.channel_denoising.pilots.estimate import denoise_channels
from jaxsec.channel_denoising.pilots.file import ChannelDenoiser
from jaxsec.channel_denoising.pilots.file import load as load_channel_denoiser

__all__ = ["ChannelDenoiser", "denoise_channels", "load_channel_denoiser"]
