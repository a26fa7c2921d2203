"""Ratios side by side: trun and its peers on equal projects. A command, never a timed test."""
