"""The command line: it reads arguments, calls the library, prints, and turns errors into one sentence and an exit code."""
