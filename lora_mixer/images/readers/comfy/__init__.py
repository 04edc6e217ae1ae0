"""ComfyUI's graphs: what is known of node classes (`rows`), and the walk from the saved picture back (`walk`)."""
