"""A whole trial simulated as ADaM tables: its design, the truth behind it, and every patient's record."""
