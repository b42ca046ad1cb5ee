"""What uvdock knows of services beside the app's own: databases, their dumps, and images."""
