"""The stages of a TKI's evaluation. Each reads, analyses and simulates one table; none imports another."""
