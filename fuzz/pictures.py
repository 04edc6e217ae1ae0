"""Fuzz the readers of pictures: `python -m fuzz.pictures --seconds 60`.

Nothing but the typed errors may be raised, in little time; what is read can be printed and stands in the file. The first
byte of an input says what the rest is: a whole picture, or the text of one of the places where programs write.
"""

from __future__ import annotations

import io
import json
import struct
import time
import zlib
from pathlib import Path

from PIL import Image

from fuzz.runner import main
from lora_mixer.errors import BrokenFileError
from lora_mixer.images import PictureInfo, plain
from lora_mixer.images.budget import Budget
from lora_mixer.images.containers import texts_of
from lora_mixer.images.read import info_of

KEYS = (
    "parameters", "prompt", "workflow", "Comment", "invokeai_metadata", "sd-metadata", "Dream", "metadata",
    "XML:com.adobe.xmp", "lora-mixer",
)  # fmt: skip
MAX_SECONDS = 3.0
KSAMPLER = {
    "class_type": "KSampler",
    "inputs": {
        "seed": 42, "steps": 30, "cfg": 6.5, "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 1,
        "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0],
    },
}  # fmt: skip
GRAPH = {
    "3": KSAMPLER,
    "4": {"class_type": "LoraLoader", "inputs": {"lora_name": "a", "strength_model": 1, "strength_clip": ["8", 0]}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a", "clip": ["4", 1]}},
    "7": {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["6", 0]}},
    "8": {"class_type": "PrimitiveFloat", "inputs": {"value": 0.5}},
    "9": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0]}},
    "10": {"class_type": "SaveImage", "inputs": {"images": ["9", 0]}},
}
DRAWN = {
    "nodes": [
        {"id": 1, "type": "KSampler", "inputs": [{"name": "model", "link": 3}, {"name": "latent_image", "link": 1}],
         "widgets_values": [1, "fixed", 5, 7, "euler", "normal", 1]},
        {"id": 2, "type": "EmptyLatentImage", "widgets_values": [64, 64, 1], "mode": 0},
        {"id": 3, "type": "SaveImage", "inputs": [{"name": "images", "link": 2}]},
        {"id": 4, "type": "Reroute", "inputs": [{"link": 3}]},
    ],
    "links": [[1, 2, 0, 1, 1, "LATENT"], [2, 1, 0, 3, 0, "IMAGE"], [3, 4, 0, 1, 0, "MODEL"]],
    "definitions": {"subgraphs": [{"id": "x", "nodes": [], "links": [{"id": 1, "origin_id": -10, "origin_slot": 0}]}]},
}  # fmt: skip
TEXTS = {
    "parameters": (
        "a <lora:b:0.5>\nNegative prompt: c\nSteps: 5, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 64x64, "
        'Lora hashes: "b: 001122334455", Civitai resources: [{"type":"lora","weight":0.8,"modelName":"x"}], Version: v1.8.0',
        '{"sui_image_params":{"prompt":"a","seed":"1","loras":["x"],"loraweights":["0.5"],"sampler":"euler"}}',
        '{"base_model":"m","resolution":"(64, 64)","lora_combined_1":"x : 0.5","steps":5,"sampler":"euler","seed":"1"}',
        '{"software":"RuinedFooocus","Prompt":"a","loras":[["00","0.5 - x.safetensors"]],"seed":1}',
        '{"extra":{},"extraMetadata":"{\\"prompt\\":\\"a\\",\\"steps\\":5}","1":{"class_type":"KSampler","inputs":{}}}',
        '{"c":"a","uc":"b","size":"64x64","lora":[{"model":"x","weight":0.5}],"sampler":"DPM++ 2M Karras"}',
        '{"use_stable_diffusion_model":"m","prompt":"a","use_lora_model":"[\'x\']","lora_alpha":"[0.5]"}',
    ),
    "prompt": (json.dumps(GRAPH),),
    "workflow": (json.dumps(DRAWN),),
    "Comment": ('{"uc":"b","steps":5,"sampler":"k_euler","noise_schedule":"karras","n_samples":1,"seed":1,"scale":5}',),
    "invokeai_metadata": ('{"positive_prompt":"a","loras":[{"model":{"name":"x"},"weight":0.5}],"scheduler":"euler_k"}',),
    "sd-metadata": ('{"image":{"prompt":[{"prompt":"a [b] withLora(x,0.5)"}],"sampler":"k_lms"}}',),
    "Dream": ('"a [b]" -s 5 -S 1 -W 64 -H 64 -C 7 -A k_lms',),
    "metadata": ('{"num_inference_steps":5,"resolution":"64 x 64","use_lora":{"selected_lora":"x","multiplier":0.5}}',),
    "XML:com.adobe.xmp": ("<exif:UserComment><rdf:li>{&quot;c&quot;:1,&quot;uc&quot;:2}</rdf:li></exif:UserComment>",),
    "lora-mixer": ('{"settings":{},"engine":"side"}',),
}  # fmt: skip
TOKENS = tuple(
    token.encode()
    for token in (
        *KEYS, '"class_type":', '"inputs":{', '["1",0]', '["3",1]', '"KSampler"', '"VAEDecode"', '"Context (rgthree)"',
        '"ImpactSwitch"', '"select":1', '"SamplerCustomAdvanced"', '"ConditioningCombine"', '"StringConcatenate"',
        '"Power Lora Loader (rgthree)"', '{"on":true,"lora":"x","strength":0.5}', '"CR LoRA Stack"', '"easy pipeOut"',
        "1e999", "9" * 40, "-1", "NaN", "null", "true", "[", "]", "{", "}", ",", ":", '"', "\\ud800", "\\u0000",
        "Steps: ", "Negative prompt: ", "\n", "\x00", "UNICODE\x00", "Exif\x00\x00", "II*\x00", "MM\x00*",
    )
)  # fmt: skip


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks: bytes) -> bytes:
    """Return a PNG of one pixel with these chunks."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")


def picture(data: bytes) -> bytes:
    """Return the picture that an input stands for."""
    place = data[0] if data else 0
    if place == 0 or place > len(KEYS):
        return data[1:]
    return png(chunk(b"iTXt", KEYS[place - 1].encode() + b"\0\0\0\0\0" + data[1:]))


def target(data: bytes) -> bool:
    """Read a picture; tell whether it says anything."""
    whole, budget = picture(data), Budget()
    started = time.process_time()
    try:
        info = info_of(texts_of(whole, Path("x"), budget), budget)
    except BrokenFileError:
        return False
    finally:
        assert time.process_time() - started < MAX_SECONDS, "slow"
    check(info)
    return info.request is not None


def check(info: PictureInfo) -> None:
    """Hold what was read against what a request may be."""
    json.dumps(plain(info), ensure_ascii=False, allow_nan=False).encode()
    request = info.request
    if request is not None and info.record is None:
        assert all(isinstance(side, (int, type(None))) for side in (request.width, request.height, request.seed))
        assert isinstance(request.prompt, str)


def seeds() -> list[bytes]:
    """Return a small picture, or a text, of every program."""
    result = [bytes([KEYS.index(key) + 1]) + text.encode() for key, texts in TEXTS.items() for text in texts]
    comment = "a\nSteps: 5, Sampler: Euler, Seed: 1, CFG scale: 7"
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + comment.encode("utf-16-be")
    exif[0x010F], exif[0x0110] = "workflow:" + json.dumps(DRAWN)[:900], "prompt:" + json.dumps(GRAPH)[:900]
    for kind in ("JPEG", "WEBP", "PNG", "AVIF"):
        out = io.BytesIO()
        Image.new("RGB", (8, 8)).save(out, kind, exif=exif)
        result.append(b"\0" + out.getvalue())
    packed = zlib.compress(TEXTS["parameters"][0].encode())
    result.append(b"\0" + png(chunk(b"zTXt", b"parameters\0\0" + packed), chunk(b"tEXt", b"prompt\0{}")))
    return result


if __name__ == "__main__":
    main("pictures", target, seeds(), TOKENS)
