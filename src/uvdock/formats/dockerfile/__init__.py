"""Reading Dockerfiles as BuildKit does: instructions with their positions, stages, what is in effect at each step."""
