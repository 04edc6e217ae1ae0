bench: $(VENV)/.dev  ## measure speed against diffusers and PEFT; prints a table, writes benchmarks/results.json
	$(BIN)/python -m benchmarks $(ARGS)

chaos: $(VENV)/.dev  ## kill a run of 200 pictures and its workers 20 times; takes a quarter of an hour
	$(BIN)/python -m benchmarks.chaos $(ARGS)
