from __future__ import annotations

import pytest

from lora_mixer.images import AdapterRecord, EmbeddingRecord, ModelRecord, RenderRecord
from lora_mixer.mixes import Curve, LoraUse, Rectangle, Strength
from lora_mixer.request import Settings


@pytest.fixture
def record() -> RenderRecord:
    """A record in which every field says something that a sloppy codec would lose."""
    strengths = (
        Strength(0.1, text=0.7, blocks={"IN00": 0.5}, curve=Curve(points=((0.0, 1.0), (1.0, 0.25)))),
        Strength(-0.5, mask=Rectangle(left=0, top=0.25, right=1, bottom=1), negative=True),
    )
    names = ("ink, wash", "猫")
    return RenderRecord(
        settings=Settings(
            prompt='a "cät" 猫, (red: 1.1)\nsecond line <lora:猫:-0.5>',
            negative="bad, worse",
            loras=tuple(LoraUse(name=n, strength=s) for n, s in zip(names, strengths, strict=True)),
            seed=2**64 - 1,
            steps=20,
            cfg=6.5,
            sampler="DPM++ 2M",
            schedule="Karras",
            width=128,
            height=64,
            clip_skip=2,
            model="emoji",
        ),
        model=ModelRecord(name="emoji", sha256="ab" * 32, family="emoji"),
        adapters=tuple(
            AdapterRecord(
                name=n, file=f"{n}.safetensors", sha256="cd" * 32, autov3="ef" * 32, strength=s, kind="lora", modules=3
            )
            for n, s in zip(names, strengths, strict=True)
        ),
        embeddings=(EmbeddingRecord(name="badpic", sha256="12" * 32),),
        engine="side",
        engine_reason="each picture has its own mix",
        batch_size=4,
        batch_index=2,
        device="cpu",
        dtype="float32",
        threads=2,
        versions={"lora-mixer": "0.1.0", "torch": "2.13.0"},
        seconds=1.234,
        notes=("EasyNegative is not here",),
    )
