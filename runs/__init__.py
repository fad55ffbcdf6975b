"""Running things: files in, files out."""
