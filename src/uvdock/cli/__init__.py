"""The command line: where the programs begin, what their words mean, the short way, and completion."""
