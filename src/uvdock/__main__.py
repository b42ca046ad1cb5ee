"""``python -m uvdock`` is the `uvdock` command."""

from uvdock.start import main

main()
