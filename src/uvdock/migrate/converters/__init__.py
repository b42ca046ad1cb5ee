"""One module for each kind of file that calls pip: what of its text changes."""
