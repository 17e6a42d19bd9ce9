"""Plates: whether they are sound, and what their wells say as responses."""
