"""Cell-free assays: inhibition constants, tight binding, the mode of inhibition, initial rates, selectivity over kinases."""
