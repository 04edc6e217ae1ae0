bench: $(VENV)/.dev  ## measure speed against diffusers and PEFT; prints a table, writes benchmarks/results.json
	$(BIN)/python -m benchmarks $(ARGS)

chaos: $(VENV)/.dev  ## kill a run of 200 pictures and its workers 20 times; takes a quarter of an hour
	$(BIN)/python -m benchmarks.chaos $(ARGS)

eval-blend: $(VENV)/.dev  ## measure every way of blending against the sum; ARGS="--prompts 4 --detector 0.1" makes it small, --write writes docs/blending.md
	OMP_WAIT_POLICY=PASSIVE BENCH_CLOCK=cpu $(BIN)/python -m benchmarks.blends $(ARGS)
