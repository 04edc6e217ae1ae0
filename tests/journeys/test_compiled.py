"""The whole denoiser in torch's compiler: one graph, whatever the sliders say.

The graph is taken here and run by torch as it is; no C++ compiler is needed, and nothing of the mapping, the branches or
the knobs is left out. What a compiler makes of it is measured in docs/performance.md.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from lora_mixer import LoraUse, Mixer, Region, RenderRequest, Strength

LORAS = ("pixel_art", "top_hat")


def _request(*strengths: float, seed: int = 1) -> RenderRequest:
    uses = tuple(LoraUse(name=name, strength=Strength(s)) for name, s in zip(LORAS, strengths, strict=True))
    return RenderRequest(prompt="cat", seed=seed, steps=2, loras=uses)


@pytest.fixture
def graphs() -> Iterator[list[torch.fx.GraphModule]]:
    """The graphs that were taken."""
    torch.compiler.reset()
    yield []
    torch.compiler.reset()


@pytest.mark.filterwarnings("ignore")  # torch's compiler warns about itself
def test_sliders_and_mixes_of_a_batch_move_within_one_graph(graphs: list[torch.fx.GraphModule]) -> None:
    def backend(graph: torch.fx.GraphModule, _inputs: object) -> object:
        graphs.append(graph)
        return graph.forward

    plain = Mixer.open("emoji", dtype="float32", device="cpu", engine="side")
    compiled = Mixer.open("emoji", dtype="float32", device="cpu", engine="side", compiled=True)
    compiled.model.denoiser.network.compile(backend=backend)
    for mixes in (((0.5, 0.5), (0.9, -0.3)), ((0.7, 0.2), (0.1, 1.0)), ((-1.0, 0.4), (2.0, 0.6))):
        requests = [_request(*mix, seed=seed) for seed, mix in enumerate(mixes)]
        ours, theirs = (list(mixer.render_many(requests, batch=2)) for mixer in (compiled, plain))
        assert not np.array_equal(np.asarray(theirs[0].image), np.asarray(theirs[1].image))
        for one, other in zip(ours, theirs, strict=True):
            assert one.record.adapters == other.record.adapters
            difference = np.abs(np.asarray(one.image).astype(int) - np.asarray(other.image))
            assert difference.max() <= 2
    assert len(graphs) == 1


@pytest.mark.filterwarnings("ignore")
def test_regions_are_drawn_beside_compiled_code(mixer: Mixer, graphs: list[torch.fx.GraphModule]) -> None:
    def backend(graph: torch.fx.GraphModule, _inputs: object) -> object:
        graphs.append(graph)
        return graph.forward

    compiled = Mixer.open("emoji", dtype="float32", device="cpu", compiled=True)
    compiled.model.denoiser.network.compile(backend=backend)
    request = RenderRequest(
        "cat",
        seed=1,
        steps=1,
        width=64,
        height=64,
        regions=[Region("red heart", mask=(0, 0, 0.5, 1), loras={"sepia": 1})],
    )
    ours, theirs = (np.asarray(one.render(request).image).astype(int) for one in (compiled, mixer))
    assert np.abs(ours - theirs).max() <= 2
    assert not graphs
