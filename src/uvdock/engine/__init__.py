"""The Docker engine and Compose. Nothing above this package knows their APIs."""
