"""From pip to uv: a whole repo's move, as a plan of edits that can be looked at, applied, proved and taken back."""
