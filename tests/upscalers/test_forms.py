"""Every form in the table of docs/upscalers.md opens, enlarges, and gives in tiles what it gives whole, as the table says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.functional import interpolate

from lora_mixer.upscalers import UpscalingNetwork, enlarge, open_upscaler
from lora_mixer.upscalers.compact import Compact, CompactShape
from lora_mixer.upscalers.other_forms import load_by_spandrel

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).parents[2] / "docs" / "upscalers.md"
ROW = re.compile(r"^\| (?P<form>\w+) \|.*\| (?P<tiles>\d+|the whole) \|$", re.MULTILINE)
STATED = {row["form"]: row["tiles"] for row in ROW.finditer(PAGE.read_text(encoding="utf-8"))}
WINDOW = {"img_size": 16, "embed_dim": 32, "upscale": 2}
GROUPS = {"depths": [2], "num_heads": [2], "window_size": 4, "upsampler": "pixelshuffle", **WINDOW}
SPLIT = {"depth": [2], "num_heads": [2], "split_size": [4, 4], **WINDOW}


def small(form: str) -> nn.Module:
    """A small network of a form that people have files of."""
    if form == "Compact":
        return Compact(CompactShape(width=8, depth=2, scale=2))
    load_by_spandrel([Compact(CompactShape(8, 2, 2)).state_dict()], "imports spandrel")
    from spandrel.architectures import ATD, DAT, DRCT, ESRGAN, HAT, PLKSR, RGT, SAFMN, SPAN, OmniSR, Swin2SR, SwinIR

    make: dict[str, Callable[[], nn.Module]] = {
        "ESRGAN": lambda: ESRGAN.ESRGAN(num_filters=8, num_blocks=2, scale=4),
        "SwinIR": lambda: SwinIR.SwinIR(**GROUPS),
        "Swin2SR": lambda: Swin2SR.Swin2SR(**GROUPS),
        "DAT": lambda: DAT.DAT(upsampler="pixelshuffle", **SPLIT),
        "HAT": lambda: HAT.HAT(**GROUPS),
        "SPAN": lambda: SPAN.SPAN(num_in_ch=3, num_out_ch=3, feature_channels=8, upscale=2),
        "OmniSR": lambda: OmniSR.OmniSR(num_in_ch=3, num_out_ch=3, num_feat=16, res_num=1, up_scale=2, window_size=4),
        "PLKSR": lambda: PLKSR.PLKSR(dim=16, n_blocks=2, upscaling_factor=2),
        "ATD": lambda: ATD.ATD(**GROUPS, num_tokens=8, reducted_dim=4),
        "DRCT": lambda: DRCT.DRCT(**GROUPS, gc=8),
        "RGT": lambda: RGT.RGT(**SPLIT),
        "SAFMN": lambda: SAFMN.SAFMN(dim=16, n_blocks=2, upscaling_factor=2),
    }
    return make[form]()


def picture() -> torch.Tensor:
    noise = torch.Generator().manual_seed(0)
    soft = interpolate(torch.rand(1, 3, 12, 12, generator=noise), size=(72, 100), mode="bicubic").clamp(0, 1)
    fine = soft + 0.05 * torch.rand(1, 3, 72, 100, generator=noise)
    return (fine.clamp(0, 1) * 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def enlarged(network: UpscalingNetwork, tile: int) -> torch.Tensor:
    tiles = enlarge(network, picture(), height=72 * network.scale, width=100 * network.scale, tile=tile)
    while True:
        try:
            next(tiles)
        except StopIteration as end:
            return end.value.pictures.int()


@pytest.mark.filterwarnings("ignore::UserWarning:torch")
@pytest.mark.parametrize("form", STATED)
def test_a_form_of_the_table_opens_and_its_tiles_are_the_whole(tmp_path: Path, form: str) -> None:
    torch.manual_seed(0)
    state = {key: value.clone() for key, value in small(form).eval().state_dict().items()}
    torch.save({"params_ema": state}, tmp_path / "x.pth")
    opened = open_upscaler(tmp_path / "x.pth")
    assert opened.form == form
    whole, tiled = enlarged(opened, 1000), enlarged(opened, 64)
    assert whole.shape == (1, 72 * opened.scale, 100 * opened.scale, 3)
    if STATED[form] != "the whole":
        assert (whole - tiled).abs().max() <= int(STATED[form])
    save_file(state, tmp_path / "x.safetensors")
    assert open_upscaler(tmp_path / "x.safetensors").form == form


def test_the_table_has_the_forms_people_have_files_of() -> None:
    assert {"Compact", "ESRGAN", "SwinIR", "DAT", "HAT", "SPAN", "OmniSR"} <= set(STATED)
