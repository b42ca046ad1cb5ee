"""What uvdock knows of manifests and locks, apart from where uv runs."""
