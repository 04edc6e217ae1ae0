"""Serving a page to several people: who may come in, who is who, whose files are whose. Nothing here knows Gradio."""
