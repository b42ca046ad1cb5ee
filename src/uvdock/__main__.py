"""``python -m uvdock`` is the `uvdock` command."""

from uvdock.cli.start import main

main()
