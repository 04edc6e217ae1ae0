"""What the library and picture panes know, and where their pictures and files come in."""
