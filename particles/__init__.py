"""A model as particles: active particles that sense, steer and push each other in periodic boxes."""

from particles.engine import ParticleEngine
from particles.observables import Observables

__all__ = ["Observables", "ParticleEngine"]
