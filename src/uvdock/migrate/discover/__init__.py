"""What a repo says of its dependencies: its files, its Python, its requirements."""
