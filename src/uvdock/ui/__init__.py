"""What a person sees: steps, tables, and progress."""
