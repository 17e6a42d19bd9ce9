"""Living cells: growth-rate inhibition, proliferation rates, and the window over cells that do not live on the kinase."""
