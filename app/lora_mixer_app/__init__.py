"""The two voices that people hear: the command line and the browser page."""
