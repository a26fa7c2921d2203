"""The pages that people read, held to what trun does."""
