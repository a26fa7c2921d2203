"""Words to a request: one table of options, our own reading of a line by it, and typer's app made from it."""
