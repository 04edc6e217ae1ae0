"""One file a command; the table of them is in `lora_mixer_app.cli`."""
