"""Records and types every part of benchside shares; imports nothing of ours from outside this folder."""
