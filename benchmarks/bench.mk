bench: $(VENV)/.dev  ## measure speed against diffusers and PEFT; prints a table, writes benchmarks/results.json
	$(BIN)/python -m benchmarks $(ARGS)
