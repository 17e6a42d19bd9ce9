"""Slow checks that a laptop or a nightly run makes: kills, full disks, coverage, peers. `make verify` runs them all."""
