"""Reading a run file: which keys there are, and how the text under them becomes checked settings and a model."""
