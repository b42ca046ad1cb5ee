"""What uvdock knows of JavaScript's package managers, apart from where they run."""
