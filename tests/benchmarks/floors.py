"""What the rows are called that no tool is."""

from __future__ import annotations

BARE = "python -I -S"
ENVIRONMENT = "python"
WALK = "python walk"
FIND = "find"
COPY = "cp -a"
INTERPRETERS = (BARE, ENVIRONMENT)
FLOORS = (*INTERPRETERS, WALK, FIND, COPY)
