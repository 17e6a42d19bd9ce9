"""Speed and memory beside each peer, in one run: `make bench`."""
