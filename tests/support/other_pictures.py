"""Pictures as other programs write them, made by code from their sources, each with what is true of it."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image
from PIL.PngImagePlugin import PngInfo

SIZE = (832, 1216)
PROMPT = "a cat, (red: 1.1)"
NEGATIVE = "blurry, worst"


def png(texts: Mapping[str, str], size: tuple[int, int] = (8, 8), mode: str = "RGB") -> bytes:
    """Return a PNG with these text chunks."""
    info = PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    out = io.BytesIO()
    Image.new(mode, size).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def commented(comment: bytes, kind: str = "JPEG", *, top: Mapping[int, object] | None = None) -> bytes:
    """Return a picture whose EXIF has this UserComment in its own directory, and these fields in the first."""
    exif = Image.Exif()
    if comment:
        exif.get_ifd(0x8769)[0x9286] = comment
    for tag, value in (top or {}).items():
        exif[tag] = value
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, kind, exif=exif)
    return out.getvalue()


def unicode_comment(text: str) -> bytes:
    """Return a UserComment as piexif writes it: UTF-16, big endian."""
    return b"UNICODE\0" + text.encode("utf-16-be")


def stealth(text: str, *, bands: str = "A", packed: bool = True) -> bytes:
    """Return a PNG that hides a text in the last bits of its alpha, or of its colours, down the columns."""
    body = gzip.compress(text.encode()) if packed else text.encode()
    mark = f"stealth_{'png' if bands == 'A' else 'rgb'}{'comp' if packed else 'info'}".encode()
    bits = "".join(f"{byte:08b}" for byte in mark + struct.pack(">I", len(body) * 8) + body)
    picture = Image.new("RGBA" if bands == "A" else "RGB", (64, 96), (120, 130, 140, 255)[: 4 if bands == "A" else 3])
    pixels = picture.load()
    at = 0
    for x in range(picture.width):
        for y in range(picture.height):
            values = list(pixels[x, y])
            for band in (3,) if bands == "A" else (0, 1, 2):
                if at < len(bits):
                    values[band] = values[band] & 0xFE | int(bits[at])
                    at += 1
            pixels[x, y] = tuple(values)
    assert at == len(bits), "the picture is too small for the text"
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A picture, and what is true of it; `loras` are (name, UNet, text encoder)."""

    name: str
    source: str
    data: bytes
    truth: Mapping[str, object]
    loras: tuple[tuple[str, float, float], ...] = ()
    noted: tuple[str, ...] = ()


TRUTH = {
    "prompt": PROMPT,
    "negative": NEGATIVE,
    "seed": 1234567890123,
    "steps": 25,
    "cfg": 6.5,
    "sampler": "DPM++ 2M",
    "schedule": "Karras",
    "width": SIZE[0],
    "height": SIZE[1],
}
SEED = TRUTH["seed"]
INFOTEXT = (
    f"{PROMPT} <lora:ink:0.7>\nNegative prompt: {NEGATIVE}\nSteps: 25, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, "
    f"Seed: {SEED}, Size: 832x1216, Model hash: 0123456789, Model: dream, "
)


def _a1111(name: str, text: str, source: str = "a1111", **more: object) -> Sample:
    truth = {**TRUTH, "prompt": f"{PROMPT} <lora:ink:0.7>", "model": "dream", **more}
    loras, noted = truth.pop("loras", ()), truth.pop("noted", ())
    return Sample(name=name, source=source, data=png({"parameters": text}), truth=truth, loras=loras, noted=noted)


SWARM = {
    "prompt": PROMPT,
    "model": "Official/dream",
    "seed": SEED,
    "steps": "25",
    "cfgscale": "6.5",
    "aspectratio": "custom",
    "width": 832,
    "height": 1216,
    "sampler": "dpmpp_2m",
    "scheduler": "karras",
    "negativeprompt": NEGATIVE,
    "loras": ["style/ink", "wash"],
    "loraweights": ["0.7", "-0.5"],
    "swarm_version": "0.9.6.2",
}
INK = (("ink", 0.7, 0.7), ("wash", -0.5, -0.5))
FOOOCUS = {
    "adm_guidance": "(1.5, 0.8, 0.3)",
    "base_model": "dream",
    "base_model_hash": "e6bb9ea85b",
    "full_negative_prompt": [NEGATIVE],
    "full_prompt": [PROMPT, "cinematic"],
    "guidance_scale": 6.5,
    "lora_combined_1": "ink : 0.7",
    "lora_combined_2": "wash : -0.5",
    "loras": [["ink", 0.7, "abc"], ["wash", -0.5, "def"]],
    "metadata_scheme": "fooocus",
    "negative_prompt": NEGATIVE,
    "performance": "Speed",
    "prompt": PROMPT,
    "prompt_expansion": "",
    "refiner_model": "None",
    "refiner_switch": 0.5,
    "resolution": "(832, 1216)",
    "sampler": "dpmpp_2m",
    "scheduler": "karras",
    "seed": str(SEED),
    "sharpness": 2,
    "steps": 25,
    "styles": "['Fooocus V2']",
    "vae": "Default (model)",
    "version": "Fooocus v2.5.5",
}
RUINED = {
    "Prompt": PROMPT,
    "Negative": NEGATIVE,
    "steps": 25,
    "cfg": 6.5,
    "width": 832,
    "height": 1216,
    "seed": SEED,
    "sampler_name": "dpmpp_2m",
    "scheduler": "karras",
    "base_model_name": "dream.safetensors",
    "base_model_hash": "0123456789",
    "loras": [["ab" * 32, "0.7 - style/ink.safetensors"], ["cd" * 32, "-0.5 - wash.safetensors"]],
    "start_step": 0,
    "denoise": None,
    "clip_skip": 1,
    "software": "RuinedFooocus",
}
NOVEL = {
    "prompt": PROMPT,
    "steps": 25,
    "height": 1216,
    "width": 832,
    "scale": 6.5,
    "uncond_scale": 0.0,
    "cfg_rescale": 0.2,
    "seed": SEED,
    "n_samples": 1,
    "noise_schedule": "karras",
    "sampler": "k_dpmpp_2m",
    "sm": False,
    "uc": NEGATIVE,
    "request_type": "PromptGenerateRequest",
    "signed_hash": "x",
}
NOVEL_OUTER = {
    "Title": "AI generated image",
    "Description": PROMPT,
    "Software": "NovelAI",
    "Source": "Stable Diffusion XL 7BCCAA2C",
    "Comment": json.dumps(NOVEL),
}
NOVEL_4 = {**NOVEL, "prompt": "base", "uc": "base bad"} | {
    "v4_prompt": {"caption": {"base_caption": PROMPT, "char_captions": [{"char_caption": "girl", "centers": []}]}},
    "v4_negative_prompt": {"caption": {"base_caption": NEGATIVE, "char_captions": []}},
}
INVOKE = {
    "generation_mode": "sdxl_txt2img",
    "positive_prompt": PROMPT,
    "negative_prompt": NEGATIVE,
    "width": 832,
    "height": 1216,
    "seed": SEED,
    "rand_device": "cpu",
    "cfg_scale": 6.5,
    "steps": 25,
    "scheduler": "dpmpp_2m_k",
    "model": {"key": "k", "hash": "blake3:0", "name": "dream", "base": "sdxl", "type": "main"},
    "loras": [
        {"model": {"key": "a", "hash": "blake3:1", "name": "ink", "base": "sdxl", "type": "lora"}, "weight": 0.7},
        {"model": {"key": "b", "hash": "blake3:2", "name": "wash", "base": "sdxl", "type": "lora"}, "weight": -0.5},
    ],
    "app_version": "5.6.0",
}
INVOKE_3 = INVOKE | {
    "model": {"model_name": "dream", "base_model": "sdxl", "model_type": "main"},
    "loras": [
        {"lora": {"model_name": "ink", "base_model": "sdxl"}, "weight": 0.7},
        {"lora": {"model_name": "wash", "base_model": "sdxl"}, "weight": -0.5},
    ],
}
INVOKE_2 = {
    "model": "stable diffusion",
    "model_weights": "dream",
    "app_id": "invoke-ai/InvokeAI",
    "app_version": "2.3.5",
    "image": {
        "prompt": [{"prompt": f"a cat, red withLora(ink,0.7) [{NEGATIVE}]", "weight": 1.0}],
        "steps": 25,
        "cfg_scale": 6.5,
        "width": 832,
        "height": 1216,
        "seed": 1234567890,
        "type": "txt2img",
        "sampler": "k_euler_a",
        "variations": [],
    },
}
SPACE = {
    "prompt": PROMPT,
    "negative_prompt": NEGATIVE,
    "resolution": "832 x 1216",
    "guidance_scale": 6.5,
    "num_inference_steps": 25,
    "seed": SEED,
    "sampler": "DPM++ 2M Karras",
    "sdxl_style": "(None)",
    "add_quality_tags": True,
    "quality_tags": "Standard",
    "use_lora": {"selected_lora": "user/ink", "multiplier": 0.7},
    "use_upscaler": None,
}
DRAW = {
    "c": PROMPT,
    "uc": NEGATIVE,
    "steps": 25,
    "sampler": "DPM++ 2M Karras",
    "scale": 6.5,
    "seed": 123456789,
    "size": "832x1216",
    "model": "dream_f16.ckpt",
    "strength": 1,
    "seed_mode": "Scale Alike",
    "lora": [{"model": "ink_lora_f16.ckpt", "weight": 0.7}],
}
EASY = {
    "prompt": PROMPT,
    "negative_prompt": NEGATIVE,
    "seed": str(SEED),
    "use_stable_diffusion_model": "dream",
    "clip_skip": "True",
    "sampler_name": "dpmpp_2m",
    "scheduler_name": "karras",
    "width": "832",
    "height": "1216",
    "num_inference_steps": "25",
    "guidance_scale": "6.5",
    "use_lora_model": "['ink', 'wash']",
    "lora_alpha": "[0.7, -0.5]",
}
CIVITAI_RESOURCES = (
    '[{"type":"checkpoint","modelVersionId":1,"modelName":"Dream","modelVersionName":"v1, best"},'
    '{"type":"lora","weight":0.7,"modelVersionId":2,"modelName":"ink","modelVersionName":"v2"}]'
)


def _json(value: object) -> str:
    return json.dumps(value)


def xmp(table: object) -> str:
    """Return XMP with a UserComment, as Apple's ImageIO writes it."""
    text = json.dumps(table).replace("&", "&amp;").replace('"', "&quot;")
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description><exif:UserComment>\n <rdf:Alt>\n'
        f'  <rdf:li xml:lang="x-default">{text}</rdf:li>\n </rdf:Alt>\n</exif:UserComment></rdf:Description></rdf:RDF></x:xmpmeta>'
    )


def samples() -> list[Sample]:
    """Return a picture of every program but ComfyUI."""
    ink_only = (("ink", 0.7, 0.7),)
    swarm, fooocus = {**TRUTH, "model": "dream"}, {**TRUTH, "model": "dream"}
    return [
        _a1111(
            "a1111", INFOTEXT + "Version: v1.10.1", emphasis="original", grammar="a1111", rng="nv", noted=("no RNG",)
        ),
        _a1111("a1111 cpu", INFOTEXT + "RNG: CPU, Version: v1.10.1", rng="cpu"),
        _a1111("a1111 nv", INFOTEXT + "RNG: NV, Emphasis: No norm, Version: v1.10.1", rng="nv", emphasis="no norm"),
        _a1111("forge", INFOTEXT + "Version: f2.0.1v1.10.1-previous-659-gc055f2d4", rng="nv", emphasis="original"),
        _a1111("a1111 1.8", INFOTEXT.replace(", Schedule type: Karras", "") + "Version: v1.8.0", schedule="Uniform"),
        _a1111("a1111 1.5", INFOTEXT.replace(", Schedule type: Karras", " Karras") + "Version: v1.5.1"),
        _a1111(
            "one line",
            f"{PROMPT} <lora:ink:0.7>, Negative prompt: {NEGATIVE}, " + INFOTEXT.split("\n")[-1] + "Version: v1.10.1",
        ),
        _a1111(
            "sd.next",
            f"{PROMPT} <lora:ink:0.7>\nNegative prompt: {NEGATIVE}\nTemplate: {{a|b}} cat\nNegative template: x\nSteps: 25, "
            f"Size: 832x1216, Sampler: DPM++ 2M, Scheduler: DPMSolverMultistepScheduler, Seed: {SEED}, CFG scale: 6.5, "
            "CFG rescale: 0.3, CLiP-skip: 2, App: SD.Next, Version: 1234abc, Pipeline: StableDiffusionXLPipeline, Model: dream, "
            "Sampler sigma: karras",
            source="sd-next",
            clip_skip=2,
            cfg_rescale=0.3,
        ),
        _a1111(
            "sd.next without sampler",
            f"{PROMPT} <lora:ink:0.7>\nNegative prompt: {NEGATIVE}\nSteps: 25, Size: 832x1216, Scheduler: EulerDiscreteScheduler, "
            f"Seed: {SEED}, CFG scale: 6.5, App: SD.Next, Version: 1234abc, Model: dream",
            source="sd-next",
            sampler="Euler",
            schedule=None,
        ),
        _a1111(
            "civitai text",
            f"{PROMPT}\nNegative prompt: {NEGATIVE}\nSteps: 25, Sampler: DPM++ 2M Karras, CFG scale: 6.5, Seed: {SEED}, "
            f"Size: 832x1216, Created Date: 2025-01-02T03:04:05.6789Z, Clip skip: 2, Civitai resources: {CIVITAI_RESOURCES}, "
            'Civitai metadata: {"remixOfId":1,"a":{"b":2}}',
            source="civitai",
            prompt=PROMPT,
            model=None,
            clip_skip=2,
            loras=ink_only,
        ),
        _a1111(
            "fooocus in a1111's form",
            f"{PROMPT}, cinematic\nNegative prompt: {NEGATIVE}\nSteps: 25, Sampler: DPM++ 2M Karras, Seed: {SEED}, Size: 832x1216, "
            'CFG scale: 6.5, Sharpness: 2, ADM Guidance: "(1.5, 0.8, 0.3)", Model: dream, Model hash: e6bb9ea85b, '
            'Performance: Speed, Scheduler: karras, VAE: Default (model), Lora hashes: "ink: abcdef123456", '
            'Lora weights: "ink: 0.7", Version: Fooocus v2.5.5',
            source="fooocus",
            prompt=f"{PROMPT}, cinematic",
            loras=ink_only,
        ),
        _a1111(
            "additional networks",
            INFOTEXT.replace(" <lora:ink:0.7>", "")
            + "AddNet Enabled: True, AddNet Module 1: LoRA, AddNet Model 1: ink(001122334455), "
            "AddNet Weight A 1: 0.7, AddNet Weight B 1: 0.4, Version: v1.4.0",
            prompt=PROMPT,
            loras=(("ink", 0.7, 0.4),),
        ),
        Sample(
            name="a1111 jpeg",
            source="a1111",
            data=commented(unicode_comment(INFOTEXT + "Version: v1.10.1")),
            truth={**TRUTH, "prompt": f"{PROMPT} <lora:ink:0.7>", "model": "dream"},
        ),
        Sample(
            name="a1111 stealth",
            source="a1111",
            data=stealth(INFOTEXT + "Version: v1.10.1"),
            truth={**TRUTH, "prompt": f"{PROMPT} <lora:ink:0.7>", "model": "dream"},
        ),
        Sample(
            name="a1111 stealth in colours",
            source="a1111",
            data=stealth(INFOTEXT + "Version: v1.10.1", bands="RGB", packed=False),
            truth={**TRUTH, "prompt": f"{PROMPT} <lora:ink:0.7>"},
        ),
        Sample(
            name="swarm",
            source="swarmui",
            data=png({"parameters": _json({"sui_image_params": SWARM})}),
            truth=swarm,
            loras=INK,
        ),
        Sample(
            name="swarm, texts",
            source="swarmui",
            data=png(
                {
                    "parameters": _json(
                        {
                            "sui_image_params": SWARM
                            | {"loras": "ink,wash", "loraweights": "0.7,-0.5", "seed": str(SEED)}
                        }
                    )
                }
            ),
            truth=swarm,
            loras=INK,
        ),
        Sample(
            name="swarm with text encoder weights",
            source="swarmui",
            data=commented(unicode_comment(_json({"sui_image_params": SWARM | {"loratencweights": ["0.1", "0.2"]}}))),
            truth=swarm,
            loras=(("ink", 0.7, 0.1), ("wash", -0.5, 0.2)),
        ),
        Sample(
            name="swarm, old jpeg",
            source="swarmui",
            data=commented(b"", top={0x0110: _json({"sui_image_params": SWARM})}),
            truth=swarm,
            loras=INK,
        ),
        Sample(
            name="swarm stealth",
            source="swarmui",
            data=stealth(_json({"sui_image_params": SWARM})),
            truth=swarm,
            loras=INK,
        ),
        Sample(
            name="fooocus",
            source="fooocus",
            data=png({"parameters": _json(FOOOCUS), "fooocus_scheme": "fooocus"}),
            truth=fooocus,
            loras=INK,
            noted=("styles",),
        ),
        Sample(
            name="fooocus jpeg",
            source="fooocus",
            data=commented(b"", top={0x9286: _json(FOOOCUS), 0x0131: "Fooocus v2.5.5", 0x927C: "fooocus"}),
            truth=fooocus,
            loras=INK,
        ),
        Sample(
            name="fooocus with switches",
            source="fooocus",
            data=png(
                {
                    "parameters": _json(
                        FOOOCUS | {"lora_combined_1": "True : ink : 0.7", "lora_combined_2": "False : wash : -0.5"}
                    )
                }
            ),
            truth=fooocus,
            loras=ink_only,
        ),
        Sample(
            name="ruined fooocus",
            source="ruined-fooocus",
            data=png({"parameters": _json(RUINED)}),
            truth={**TRUTH, "model": "dream"},
            loras=INK,
        ),
        Sample(name="novelai", source="novelai", data=png(NOVEL_OUTER), truth={**TRUTH, "cfg_rescale": 0.2}),
        Sample(
            name="novelai 4",
            source="novelai",
            data=png(NOVEL_OUTER | {"Source": "NovelAI Diffusion V4 37C2B166", "Comment": _json(NOVEL_4)}),
            truth=TRUTH,
            noted=("girl",),
        ),
        Sample(name="novelai stealth", source="novelai", data=stealth(_json(NOVEL_OUTER)), truth=TRUTH),
        Sample(
            name="novelai webp",
            source="novelai",
            data=commented(unicode_comment(_json(NOVEL_OUTER)), "WEBP"),
            truth=TRUTH,
        ),
        Sample(
            name="novelai 1",
            source="novelai",
            data=png(
                NOVEL_OUTER
                | {
                    "Source": "Stable Diffusion 81274D13",
                    "Comment": _json(
                        {
                            "steps": 25,
                            "sampler": "k_euler_ancestral",
                            "seed": SEED,
                            "strength": 0.69,
                            "noise": 0.667,
                            "scale": 6.5,
                            "uc": NEGATIVE,
                        }
                    ),
                },
                size=(64, 96),
            ),
            truth={**TRUTH, "sampler": "Euler a", "schedule": None, "width": 64, "height": 96},
        ),
        Sample(
            name="invokeai",
            source="invokeai",
            data=png({"invokeai_metadata": _json(INVOKE)}),
            truth={**TRUTH, "model": "dream"},
            loras=INK,
        ),
        Sample(
            name="invokeai 3",
            source="invokeai",
            data=png({"invokeai_metadata": _json(INVOKE_3)}),
            truth={**TRUTH, "model": "dream"},
            loras=INK,
        ),
        Sample(
            name="invokeai 2",
            source="invokeai",
            data=png({"sd-metadata": _json(INVOKE_2), "Dream": "x"}),
            truth={
                **TRUTH,
                "prompt": "a cat, red",
                "seed": 1234567890,
                "sampler": "Euler a",
                "schedule": None,
                "model": "dream",
            },
            loras=ink_only,
        ),
        Sample(
            name="invokeai 1",
            source="invokeai",
            data=png({"Dream": f'"a cat, red [{NEGATIVE}]" -s 25 -S 1234567890 -W 832 -H 1216 -C 6.5 -A k_lms'}),
            truth={**TRUTH, "prompt": "a cat, red", "seed": 1234567890, "sampler": "LMS", "schedule": None},
        ),
        Sample(name="space", source="diffusers", data=png({"metadata": _json(SPACE)}), truth=TRUTH, loras=ink_only),
        Sample(
            name="unknown JSON",
            source="diffusers",
            data=png(
                {
                    "parameters": _json(
                        {
                            "prompt": PROMPT,
                            "negative": NEGATIVE,
                            "seed": SEED,
                            "steps": 25,
                            "cfg": 6.5,
                            "size": "832x1216",
                            "sampler": "DPM++ 2M Karras",
                            "loras": [{"name": "ink", "weight": 0.7}],
                        }
                    )
                }
            ),
            truth=TRUTH,
            loras=ink_only,
        ),
        Sample(
            name="space, classes",
            source="diffusers",
            data=png(
                {
                    "parameters": _json(
                        {**SPACE, "sampler": None, "scheduler": "EulerAncestralDiscreteScheduler", "use_lora": None}
                    )
                }
            ),
            truth={**TRUTH, "sampler": "Euler a", "schedule": None},
        ),
        Sample(
            name="draw things",
            source="draw-things",
            data=png({"XML:com.adobe.xmp": xmp(DRAW)}),
            truth={**TRUTH, "seed": 123456789, "model": "dream_f16"},
            loras=(("ink_lora_f16", 0.7, 0.7),),
        ),
        Sample(
            name="easy diffusion",
            source="easy-diffusion",
            data=png(EASY),
            truth={**TRUTH, "model": "dream", "clip_skip": 2},
            loras=INK,
        ),
        Sample(
            name="easy diffusion jpeg",
            source="easy-diffusion",
            data=commented(
                unicode_comment(
                    _json({**EASY, "seed": SEED, "use_lora_model": ["ink", "wash"], "lora_alpha": [0.7, -0.5]})
                )
            ),
            truth={**TRUTH, "model": "dream"},
            loras=INK,
        ),
    ]


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def raw_png(*chunks: bytes, size: tuple[int, int] = (8, 8)) -> bytes:
    """Return a PNG of these chunks between its header and its end."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")
