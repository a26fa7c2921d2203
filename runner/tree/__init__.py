"""The working tree: what is there."""
