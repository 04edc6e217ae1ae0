"""The browser page: prompts, one slider a LoRA, a picture."""
