# Included by the main Makefile: how the embedded model is made and measured.

THREADS ?= 2

.PHONY: train eval-model

train: $(VENV)/.dev  ## make the embedded model from nothing (about eight hours on two cores); resumes after a kill
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m training.all --threads $(THREADS)

eval-model: $(VENV)/.dev  ## measure the shipped weights and write training/results.json (about 25 minutes on two cores with bfloat16, an hour without; 7 and 13 once its detector is trained)
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m training.evaluate --threads $(THREADS)
