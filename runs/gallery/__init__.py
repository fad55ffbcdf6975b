"""Ready-made runs, one per figure of the papers and more."""
