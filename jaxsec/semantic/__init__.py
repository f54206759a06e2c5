"""Pictures over a wiretap channel: Bob sees them, Eve does not learn a secret that they hold.

Joint source-channel coding by a variational auto-encoder against an adversary (E. Erdemir,
P. L. Dragotti, D. Gündüz, Privacy-aware communication over a wiretap channel with generative
networks, ICASSP 2022).
"""

from jaxsec.semantic.file import Model, load, save
from jaxsec.semantic.run import fit
from jaxsec.semantic.scenario import Scenario
from jaxsec.semantic.train import Config

__all__ = ["Config", "Model", "Scenario", "fit", "load", "save"]
