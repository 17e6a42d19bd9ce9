"""Migrations of the ledger, one file each; every one leaves each table append-only."""
