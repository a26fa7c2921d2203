"""Fakes of the doors to the world, for the tests of trun and of what plugs into it."""
