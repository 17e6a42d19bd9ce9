"""A study: a folder with study.toml and data files, its ledger, its results, and the trail of every number."""
