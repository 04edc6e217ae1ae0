"""The browser page: prompts, a slider per LoRA, a picture."""
