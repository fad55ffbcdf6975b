"""Kinetic theory of particles that repel and turn away from each other ([S2]): from pair correlations, and from encounters."""
