"""Comparisons from files, ratings to files, and the report on a rating."""
