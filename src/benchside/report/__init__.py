"""The dossier: one self-contained page of a study, every number with its interval and, on click, its trail."""
