"""The clinical stage's steps as a study calls them: tables in, a table and its lineage out."""
