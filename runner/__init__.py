"""trun: a task runner for repositories in any language."""

__version__ = "0.1.0"
