"""Each example, copied and run as its README says."""
