"""Whether the migrated repo builds images with the same packages."""
