"""A model as particles: quorum-sensing active particles in periodic boxes."""

from particles.engine import ParticleEngine

__all__ = ["ParticleEngine"]
