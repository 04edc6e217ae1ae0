"""The LoRA trainer: adapter layers, kohya's names, the recipes of the shipped adapters, training and saving."""
