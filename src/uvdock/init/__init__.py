"""`uvdock init`: from a hand-written ./run, a Makefile or a justfile to uvdock's own settings and commands.

`script` and `statements` read bash, `make` turns the other two into the same shape, `calls` says what a function does,
`carry` what becomes of it, `plan` which files that changes, and `write` reads and writes the repo.
"""
