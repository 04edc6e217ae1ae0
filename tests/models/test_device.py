"""Which number format a CPU gets when nobody says one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from lora_mixer.models import device
from lora_mixer.models.device import choose_dtype

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """The choice is made once a process: every test makes its own, and leaves none behind."""
    device.cpu_is_faster_in_bfloat16.cache_clear()
    yield
    device.cpu_is_faster_in_bfloat16.cache_clear()


@pytest.mark.parametrize(
    ("flags", "times_as_fast", "dtype"),
    [
        ({}, None, torch.float32),
        ({"avx2": True, "avx512_f": True}, None, torch.float32),
        ({"avx512_bf16": True, "amx_bf16": True}, None, torch.bfloat16),
        ({"bf16": True}, None, torch.bfloat16),
        ({"avx512_bf16": True}, 2.2, torch.bfloat16),
        ({"avx512_bf16": True}, 1.0, torch.float32),
        ({"avx512_bf16": True}, 0.5, torch.float32),
    ],
)
def test_bfloat16_is_chosen_where_it_is_faster_and_timed_only_where_flags_do_not_tell(
    flags: dict[str, bool], times_as_fast: float | None, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed: list[torch.dtype] = []

    def seconds(product_in: torch.dtype) -> float:
        timed.append(product_in)
        assert times_as_fast is not None, "timed where the flags tell"
        return 1.0 if product_in is torch.bfloat16 else times_as_fast

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: flags)
    monkeypatch.setattr(device, "seconds_of_a_product", seconds)
    assert choose_dtype(CPU) is dtype
    assert choose_dtype(CPU) is dtype
    assert len(timed) == (0 if times_as_fast is None else 2)


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_a_dtype_that_is_said_is_not_looked_into(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> dict[str, bool]:
        raise AssertionError("the processor was asked")

    monkeypatch.setattr(torch.cpu, "get_capabilities", refuse)
    assert choose_dtype(CPU, name) is getattr(torch, name)


def test_a_product_takes_time() -> None:
    assert device.seconds_of_a_product(torch.float32) > 0
