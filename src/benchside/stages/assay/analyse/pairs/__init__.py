"""Two compounds together: excess over four null models."""
