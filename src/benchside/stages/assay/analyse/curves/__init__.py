"""Curves: dose-response fits, their intervals, and the potencies and fold shifts read off them."""
