"""Figures of runs and of theory, and movies."""
