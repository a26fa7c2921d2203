"""Files made to hurt, and files made at random."""
