"""Upscalers: a file's network is the one spandrel builds, tiles are the whole, and wrong files have one error."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from lora_mixer.errors import BrokenFileError, MissingFileError, ModelError, RenderError, UnsafeFileError
from lora_mixer.upscalers import UpscalingNetwork, copy_weights, enlarge, open_upscaler
from lora_mixer.upscalers.compact import Compact, CompactShape, compact_shape
from lora_mixer.upscalers.other_forms import load_by_spandrel
from lora_mixer.upscalers.weights import WRAPPERS

SMALL = CompactShape(width=8, depth=2, scale=2)


def network_of(shape: CompactShape, seed: int = 0) -> Compact:
    torch.manual_seed(seed)
    return Compact(shape).eval()


def enlarged(network: UpscalingNetwork, pictures: torch.Tensor, **size: int) -> torch.Tensor:
    """Pictures at their new size, all tiles done."""
    tiles = enlarge(network, pictures, **size)
    while True:
        try:
            next(tiles)
        except StopIteration as end:
            return end.value.pictures


def pictures(height: int, width: int, seed: int = 1) -> torch.Tensor:
    return torch.randint(
        0, 256, (1, height, width, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed)
    )


@given(width=st.integers(1, 9), depth=st.integers(0, 5), scale=st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_a_compact_networks_shape_is_told_from_its_weights(width: int, depth: int, scale: int) -> None:
    shape = CompactShape(width, depth, scale)
    assert compact_shape(network_of(shape).state_dict()) == shape


@pytest.mark.parametrize("shape", [SMALL, CompactShape(16, 3, 4)])
def test_a_compact_network_gives_what_spandrel_gives(tmp_path: Path, shape: CompactShape) -> None:
    network = network_of(shape)
    save_file(network.state_dict(), tmp_path / "a.safetensors")
    ours = open_upscaler(tmp_path / "a.safetensors")
    theirs = load_by_spandrel([network.state_dict()], "a")
    values = torch.rand(2, 3, 13, 9)
    with torch.inference_mode():
        assert (ours.form, ours.scale) == ("Compact", shape.scale)
        torch.testing.assert_close(ours.forward(values).clamp(0, 1), theirs(values), rtol=0, atol=1e-6)


@pytest.mark.parametrize("wrapper", [*WRAPPERS, "module", ""])
def test_weights_are_found_under_every_wrapper(tmp_path: Path, wrapper: str) -> None:
    state = network_of(SMALL).state_dict()
    prefixed = {f"{wrapper}.{key}" if wrapper else key: value for key, value in state.items()}
    torch.save({wrapper: state, "epoch": 3} if wrapper in WRAPPERS else prefixed, tmp_path / "a.pth")
    save_file(prefixed, tmp_path / "a.safetensors")
    for path in (tmp_path / "a.pth", tmp_path / "a.safetensors"):
        assert open_upscaler(path).scale == 2
    values = torch.rand(1, 3, 7, 5)
    copy_weights(tmp_path / "a.pth", tmp_path / "copy.safetensors")
    with torch.inference_mode():
        copied, first = (
            open_upscaler(tmp_path / name).forward(values) for name in ("copy.safetensors", "a.safetensors")
        )
    assert torch.equal(copied, first)


@given(height=st.integers(1, 90), width=st.integers(1, 90), tile=st.integers(49, 80), scale=st.sampled_from([1, 2, 3]))
@settings(max_examples=25, deadline=None)
def test_tiles_give_the_whole_picture(height: int, width: int, tile: int, scale: int) -> None:
    network = network_of(CompactShape(4, 2, scale))
    opened = UpscalingNetwork(
        path=Path("a"), form="Compact", scale=scale, forward=network, device=torch.device("cpu"), dtype=torch.float32
    )
    size = {"height": height * scale, "width": width * scale}
    picture = pictures(height, width)
    whole = enlarged(opened, picture, tile=1000, **size)
    tiled = enlarged(opened, picture, tile=tile, **size)
    assert (whole.int() - tiled.int()).abs().max() <= 1  # the network sees 4 pixels around, tiles leave out 12


@given(size=st.tuples(st.integers(1, 200), st.integers(1, 200)))
@settings(max_examples=15, deadline=None)
def test_any_size_can_be_asked_for(size: tuple[int, int]) -> None:
    network = network_of(CompactShape(2, 0, 2))
    opened = UpscalingNetwork(
        path=Path("a"), form="Compact", scale=2, forward=network, device=torch.device("cpu"), dtype=torch.float32
    )
    assert enlarged(opened, pictures(9, 7), height=size[0], width=size[1]).shape == (1, *size, 3)


def test_a_picture_does_not_depend_on_its_neighbours(tmp_path: Path) -> None:
    save_file(network_of(SMALL).state_dict(), tmp_path / "a.safetensors")
    opened = open_upscaler(tmp_path / "a.safetensors")
    two = torch.cat([pictures(20, 20, seed=1), pictures(20, 20, seed=2)])
    both = enlarged(opened, two, height=40, width=40)
    for i in range(2):
        assert torch.equal(both[i : i + 1], enlarged(opened, two[i : i + 1], height=40, width=40))


def test_progress_is_told_by_tile_over_all_pictures_and_can_stop(tmp_path: Path) -> None:
    save_file(network_of(SMALL).state_dict(), tmp_path / "a.safetensors")
    opened = open_upscaler(tmp_path / "a.safetensors")
    two = torch.cat([pictures(90, 90, seed=1), pictures(90, 90, seed=2)])
    told = [(tile.done, tile.of) for tile in enlarge(opened, two, height=180, width=180, tile=60)]
    assert told == [(done, 8) for done in range(1, 9)]
    tiles = enlarge(opened, two, height=180, width=180, tile=60)
    next(tiles)
    tiles.close()  # between two tiles, and nothing is left to clean up
    again = [tile.done for tile in enlarge(opened, pictures(20, 20), height=200, width=200)]
    assert again == [1, 2, 3]  # the network is run three times, then Lanczos has the rest


def test_where_memory_runs_out_tiles_are_halved(tmp_path: Path) -> None:
    network = network_of(SMALL)
    asked: list[int] = []

    def short_of_memory(values: torch.Tensor) -> torch.Tensor:
        asked.append(values.shape[-1])
        if values.shape[-1] > 100:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return network(values)

    opened = UpscalingNetwork(
        path=Path("a"),
        form="Compact",
        scale=2,
        forward=short_of_memory,
        device=torch.device("cpu"),
        dtype=torch.float32,
    )
    tiles = enlarge(opened, pictures(150, 150), height=300, width=300)
    told = [tile.side for tile in tiles]
    assert (asked[0], max(asked[1:]), set(told)) == (150, 96, {96})
    halved = enlarged(opened, pictures(150, 150), height=300, width=300)
    whole = enlarged(replace(opened, forward=network), pictures(150, 150), height=300, width=300)
    assert (whole.int() - halved.int()).abs().max() <= 1

    def no_memory(values: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("not enough memory")

    with pytest.raises(RuntimeError, match="not enough memory"):
        enlarged(replace(opened, forward=no_memory), pictures(150, 150), height=300, width=300)

    def broken(values: torch.Tensor) -> torch.Tensor:
        asked.append(0)
        raise RuntimeError("shapes do not match")

    asked.clear()
    with pytest.raises(RuntimeError, match="shapes"):
        enlarged(replace(opened, forward=broken), pictures(150, 150), height=300, width=300)
    assert asked == [0]


def test_spandrel_leaves_no_stand_in_behind() -> None:
    load_by_spandrel([network_of(SMALL).state_dict()], "a")
    assert "torchvision" not in sys.modules or sys.modules["torchvision"].__spec__ is not None
    importlib.util.find_spec("torchvision")  # raises where a stand-in without a spec was left


def test_without_spandrel_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_file({"a": torch.zeros(3)}, tmp_path / "a.safetensors")
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(ModelError, match=r"needs the package spandrel.*lora-mixer\[upscalers\]"):
        open_upscaler(tmp_path / "a.safetensors")


def test_what_is_no_upscaler_has_one_error(tmp_path: Path) -> None:
    save_file({"lora_up.weight": torch.zeros(3, 2)}, tmp_path / "lora.safetensors")
    with pytest.raises(BrokenFileError, match="no upscaler that is known"):
        open_upscaler(tmp_path / "lora.safetensors")
    with pytest.raises(MissingFileError):
        open_upscaler(tmp_path / "none.pth")
    (tmp_path / "torn.pth").write_bytes(b"PK\3\4torn")
    with pytest.raises(BrokenFileError):
        open_upscaler(tmp_path / "torn.pth")
    torch.save({"params": {}}, tmp_path / "empty.pth")
    with pytest.raises(BrokenFileError, match="holds no weights"):
        open_upscaler(tmp_path / "empty.pth")

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, ("ran",)

    torch.save({"params": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(UnsafeFileError):
        open_upscaler(tmp_path / "evil.pth")


def test_a_network_that_is_not_finite_is_told(tmp_path: Path) -> None:
    state = network_of(SMALL).state_dict()
    state["body.0.bias"] = torch.full_like(state["body.0.bias"], float("nan"))
    save_file(state, tmp_path / "a.safetensors")
    with pytest.raises(RenderError, match="upscaler a gives a picture that is not finite"):
        enlarged(open_upscaler(tmp_path / "a.safetensors"), pictures(8, 8), height=16, width=16)
