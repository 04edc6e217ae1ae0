"""Fuzz the header reader and the key parser: `python -m fuzz.header --seconds 60`.

Nothing but the typed errors may be raised, and what is accepted must be read by `safetensors` as the same tensors.
The input is the header and the data; the length in front is right, except in inputs that begin with 0xFF.
"""

from __future__ import annotations

import json
import struct
import tempfile
from pathlib import Path

from safetensors import deserialize

from fuzz.runner import main
from lora_mixer.errors import BrokenAdapterError, FileError
from lora_mixer.files import ADAPTER_LIMITS, CHECKPOINT_LIMITS, TensorFile, open_tensor_file
from lora_mixer.keys import parse_adapter

MODULES = ("lora_unet_mid_block_attentions_0_proj_in", "lora_te_text_model_encoder_layers_0_mlp_fc1", "unet.conv_in")
SUFFIXES = (
    "alpha", "lora_up.weight", "lora_down.weight", "lora_mid.weight", "lora_A.weight", "hada_w1_a", "hada_t1",
    "lokr_w1", "lokr_w2_b", "oft_blocks", "dora_scale", "diff", "diff_b", "w_norm", "a1.weight", "on_input", "weight",
)  # fmt: skip
TOKENS = tuple(
    text.encode()
    for text in (
        *MODULES, *(f".{suffix}" for suffix in SUFFIXES), '"F16"', '"BF16"', '"F32"', '"I64"', '"F8_E4M3"', '"F4"',
        '"dtype":', '"shape":[', '"data_offsets":[', '"__metadata__":{', "[0,4]", "[]", "[0]", "{", "}", ",", ":", '"',
        "-0", "1e2", "1.0", "NaN", "true", "null", "18446744073709551616", "9223372036854775807", "\\ud800", "\\u0000",
        "..", "bundle_emb.word.", "string_to_param.*", "\x00", "\n", " ", "\ufeff", "\u202e",
    )
)  # fmt: skip
SCRATCH = Path(tempfile.mkdtemp(prefix="fuzz-header-")) / "a.safetensors"


def framed(text: bytes) -> bytes:
    """Put the header's length before a header with its data."""
    if text.startswith(b"\xff"):
        return text[1:]
    end = text.rfind(b"}") + 1
    return struct.pack("<Q", end) + text


def target(text: bytes) -> bool:
    """Read a file twice, as an adapter and as a checkpoint, and compare with safetensors."""
    content = framed(text)
    SCRATCH.write_bytes(content)
    accepted = False
    for limits in (ADAPTER_LIMITS, CHECKPOINT_LIMITS):
        try:
            file = open_tensor_file(SCRATCH, limits=limits)
        except FileError:
            continue
        accepted = True
        compare(file, content)
        try:
            parse_adapter(file)
        except BrokenAdapterError:
            continue
    return accepted


def compare(file: TensorFile, content: bytes) -> None:
    """Raise if safetensors refuses the file or sees other tensors in it."""
    theirs = {key: (info["dtype"], tuple(info["shape"]), bytes(info["data"])) for key, info in deserialize(content)}
    ours = {
        key: (info.dtype, info.shape, content[file.data_start + info.start : file.data_start + info.end])
        for key, info in file.tensors.items()
    }
    if ours != theirs:
        raise AssertionError(f"two readers, two files: {ours} and {theirs}")


def seeds() -> list[bytes]:
    """Return small valid files: every suffix on some module."""
    result = [b"{}", b'{"__metadata__":{"ss_output_name":"x"}}', b"\xff" + framed(b"{}")]
    for module in MODULES:
        for suffix in SUFFIXES:
            shape = [] if suffix == "alpha" else [1, 2]
            size = 2 if suffix == "alpha" else 4
            entry = {"dtype": "F16", "shape": shape, "data_offsets": [0, size]}
            result.append(json.dumps({f"{module}.{suffix}": entry}).encode() + bytes(size))
    return result


if __name__ == "__main__":
    main("header", target, seeds(), TOKENS)
