"""Signals, terminals, leftovers: trun among the processes of a real machine."""
