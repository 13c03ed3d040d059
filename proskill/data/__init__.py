"""Datasets in, `list[Take]` out."""
