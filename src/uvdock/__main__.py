"""``python -m uvdock`` is the `uvdock` command."""

from uvdock.program import main

main()
