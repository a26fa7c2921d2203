"""What one asks of trun, run for real: each story is one behaviour."""
