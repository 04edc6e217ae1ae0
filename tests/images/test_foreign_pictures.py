"""Pictures of other programs, as they are found in the wild and as an enemy would make them."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lora_mixer.errors import BrokenFileError, MissingFileError
from lora_mixer.images import read_picture
from lora_mixer.images.containers import decode_comment
from lora_mixer.mixes import LoraUse, Strength

INFOTEXT = "a cät\nNegative prompt: bad\nSteps: 5, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 64x64"


def _png(path: Path, **texts: str) -> Path:
    info = PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    return path


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _raw_png(*chunks: bytes, size: tuple[int, int] = (8, 8)) -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + _chunk(b"IEND", b"")


def test_a1111s_png_becomes_a_request(tmp_path):
    info = read_picture(_png(tmp_path / "a.png", parameters=INFOTEXT))
    assert info.source == "a1111"
    assert info.request is not None
    assert (info.request.prompt, info.request.negative, info.request.seed) == ("a cät", "bad", 1)


def test_utf8_in_a_latin1_chunk_is_repaired(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(_raw_png(_chunk(b"tEXt", b"parameters\0" + INFOTEXT.replace("cät", "猫").encode())))
    info = read_picture(path)
    assert info.request is not None
    assert info.request.prompt == "a 猫"


@pytest.mark.parametrize(
    "comment",
    [
        b"UNICODE\0" + INFOTEXT.encode("utf-16-be"),
        b"UNICODE\0" + INFOTEXT.encode("utf-16-le"),
        b"UNICODE\0" + INFOTEXT.encode("utf-16"),
        b"ASCII\0\0\0" + INFOTEXT.encode(),
        bytes(8) + INFOTEXT.encode("latin-1"),
        INFOTEXT.encode(),
    ],
)
def test_every_way_of_writing_a_user_comment_is_understood(comment):
    assert decode_comment(comment) == INFOTEXT


def test_a_comfyui_graph_gives_prompt_mix_and_sampler(tmp_path):
    graph = {
        "3": {
            "class_type": "KSampler",
            "inputs": {
                "seed": 42,
                "steps": 30,
                "cfg": 6.5,
                "sampler_name": "dpmpp_2m",
                "scheduler": "karras",
                "model": ["11", 0],
                "positive": ["6", 0],
                "negative": ["7", 0],
                "latent_image": ["5", 0],
            },
        },
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15\\dream.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["9", 0], "clip": ["11", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "bad", "clip": ["11", 1]}},
        "9": {"class_type": "PrimitiveString", "inputs": {"value": "a fox"}},
        "10": {
            "class_type": "LoraLoader",
            "inputs": {
                "lora_name": "b.safetensors",
                "strength_model": 0.5,
                "strength_clip": 0.25,
                "model": ["4", 0],
                "clip": ["4", 1],
            },
        },
        "11": {
            "class_type": "LoraLoaderModelOnly",
            "inputs": {"lora_name": "a.safetensors", "strength_model": 1, "model": ["10", 0]},
        },
    }
    info = read_picture(_png(tmp_path / "c.png", prompt=json.dumps(graph)))
    assert info.source == "comfyui"
    request = info.request
    assert request is not None
    assert (request.prompt, request.negative, request.model) == ("a fox", "bad", "dream")
    assert request.loras == (
        LoraUse(name="a", strength=Strength(1.0, text=0.0)),
        LoraUse(name="b", strength=Strength(0.5, text=0.25)),
    )
    assert (request.sampler, request.schedule, request.seed) == ("DPM++ 2M", "Karras", 42)
    assert (request.width, request.height) == (512, 768)


@pytest.mark.parametrize(
    "graph",
    [
        "[" * 100_000,
        '{"1": {"class_type": "KSampler", "inputs": {"model": ["1", 0], "positive": ["1", 0]}}}',
        '{"1": {"class_type": "KSampler"}}',
        '{"1": {"class_type": "KSampler", "inputs": {"positive": [[1], 0], "seed": 1e400, "steps": "x"}}}',
        "[]",
        "nonsense",
    ],
)
def test_no_graph_crashes_or_loops(tmp_path, graph):
    info = read_picture(_png(tmp_path / "c.png", prompt=graph))
    assert info.source == ("none" if graph == "nonsense" else "comfyui")


def test_a_picture_without_parameters_says_so(tmp_path):
    info = read_picture(_png(tmp_path / "n.png"))
    assert info.source == "none"
    assert info.notes


def test_a_compressed_text_unpacks_only_to_its_cap(tmp_path):
    bomb = zlib.compress(INFOTEXT.encode() + bytes(50_000_000), 1)
    path = tmp_path / "bomb.png"
    path.write_bytes(_raw_png(_chunk(b"zTXt", b"parameters\0\0" + bomb)))
    info = read_picture(path)
    assert info.infotext is not None
    assert len(info.infotext.prompt) <= 64 * 1024


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR",
        _raw_png(size=(2**31, 2**31)),
        _raw_png(size=(0, 5)),
        b"RIFF\0\0\0\0WEBP",
    ],
)
def test_what_is_no_picture_is_refused(tmp_path, data):
    path = tmp_path / "x.png"
    path.write_bytes(data)
    with pytest.raises(BrokenFileError):
        read_picture(path)


def test_a_missing_picture_is_refused(tmp_path):
    with pytest.raises(MissingFileError):
        read_picture(tmp_path / "none.png")
