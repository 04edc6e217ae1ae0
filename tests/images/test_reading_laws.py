"""A reader of pictures never gives a value its file does not hold, and no file costs more than its size allows."""

from __future__ import annotations

import json
import random
import struct
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_mixer.errors import LoraMixerError
from lora_mixer.images.budget import MAX_BYTES, Budget
from lora_mixer.images.containers import texts_of
from lora_mixer.images.readers.names import COMFY, COMFY_SAMPLERS, COMFY_SCHEDULES
from tests.images.test_other_programs import read
from tests.support.comfy_graphs import Nodes, node
from tests.support.other_pictures import Sample, chunk, png, raw_png, samples

# ComfyUI's graphs at random: what was put in comes out, or is missing with a note; nothing else ever.


class Builder:
    """Puts a graph together node by node, and remembers what is true of it."""

    def __init__(self, dice: random.Random) -> None:
        self.dice, self.graph, self.next, self.truth = dice, Nodes(), 0, dict[str, Any]()
        self.loras: list[tuple[str, float, float]] = []

    def add(self, kind: str, slot: int = 0, **inputs: object) -> list[object]:
        self.next += self.dice.randrange(1, 9)
        self.graph[str(self.next)] = node(kind, **inputs)
        return [str(self.next), slot]

    def value(self, value: object) -> object:
        """Return a value as it is, or a link to a node that holds it."""
        kinds = {
            int: ("PrimitiveInt", "INTConstant"),
            float: ("PrimitiveFloat", "FloatConstant"),
            str: ("PrimitiveString",),
        }
        choices = [None, *kinds.get(type(value), ())]
        kind = self.dice.choice(choices)
        link: object = value if kind is None else self.add(kind, value=value)
        return (
            self.add("Any Switch (rgthree)", any_01=link)
            if isinstance(link, list) and self.dice.random() < 0.3
            else link
        )

    def text(self, words: str) -> object:
        if self.dice.random() < 0.3 and " " in words:
            left, right = words.split(" ", 1)
            return self.add("StringConcatenate", string_a=self.value(left), string_b=self.value(right), delimiter=" ")
        return self.value(words)

    def mix(self) -> tuple[list[object], list[object]]:
        loader = self.add("CheckpointLoaderSimple", ckpt_name=f"m{self.dice.randrange(99)}.safetensors")
        model, clip = loader, [loader[0], 1]
        for number in range(self.dice.randrange(4)):
            unet, text = round(self.dice.uniform(-1, 2), 2), round(self.dice.uniform(-1, 2), 2)
            name = f"l{number}"
            kind = self.dice.randrange(4)
            if kind == 0:
                model = self.add("LoraLoaderModelOnly", lora_name=name, strength_model=self.value(unet), model=model)
                text = 0.0
            elif kind == 1:
                power = {"lora_1": {"on": True, "lora": name, "strength": unet, "strengthTwo": text}}
                model = self.add("Power Lora Loader (rgthree)", model=model, clip=clip, **power)
                clip = [model[0], 1]
            else:
                given = {"strength_model": self.value(unet), "strength_clip": self.value(text)}
                model = self.add("LoraLoader", lora_name=name, model=model, clip=clip, **given)
                clip = [model[0], 1]
            self.loras.append((name, unet, text))
            if self.dice.random() < 0.3:
                model = self.add("FreeU_V2", model=model)
        return model, clip

    def conditioned(self, words: str, clip: list[object]) -> list[object]:
        link = self.add("CLIPTextEncode", text=self.text(words), clip=clip)
        if self.dice.random() < 0.3:
            link = self.add("ConditioningSetTimestepRange", conditioning=link, start=0, end=1)
        return link

    def sampled(
        self, model: list[object], texts: tuple[list[object], list[object]], latent: list[object]
    ) -> list[object]:
        truth, given = self.truth, {name: self.value(self.truth[name]) for name in ("seed", "steps", "cfg")}
        names = {"sampler_name": truth["sampler"], "scheduler": truth["schedule"]}
        if self.dice.random() < 0.5:
            both = {"positive": texts[0], "negative": texts[1], "latent_image": latent, "denoise": 1}
            return self.add("KSampler", model=model, **both, **given, **names)
        guider = self.add("CFGGuider", model=model, positive=texts[0], negative=texts[1], cfg=given["cfg"])
        sigmas = self.add("BasicScheduler", model=model, scheduler=truth["schedule"], steps=given["steps"], denoise=1)
        noise, sampler = (
            self.add("RandomNoise", noise_seed=given["seed"]),
            self.add("KSamplerSelect", sampler_name=truth["sampler"]),
        )
        return self.add(
            "SamplerCustomAdvanced", noise=noise, guider=guider, sampler=sampler, sigmas=sigmas, latent_image=latent
        )

    def build(self) -> Nodes:
        dice = self.dice
        self.truth = {
            "seed": dice.randrange(2**63), "steps": dice.randrange(1, 99), "cfg": dice.randrange(1, 19) / 2 + 0.5,
            "sampler": dice.choice(list(COMFY_SAMPLERS)), "schedule": dice.choice(list(COMFY_SCHEDULES)),
            "prompt": f"p{dice.randrange(999)} x", "negative": f"n{dice.randrange(999)} y",
            "width": dice.randrange(8, 200) * 8, "height": dice.randrange(8, 200) * 8,
        }  # fmt: skip
        model, clip = self.mix()
        texts = (self.conditioned(self.truth["prompt"], clip), self.conditioned(self.truth["negative"], clip))
        if dice.random() < 0.3:
            net = self.add("ControlNetApplyAdvanced", positive=texts[0], negative=texts[1])
            texts = (net, [net[0], 1])
        latent = self.add(
            "EmptyLatentImage", width=self.value(self.truth["width"]), height=self.value(self.truth["height"])
        )
        last = self.sampled(model, texts, latent)
        for _ in range(dice.randrange(3)):
            last = self.add("LatentUpscale", samples=last, width=8, height=8)
            wrong = {
                "seed": 1,
                "steps": 100,
                "cfg": 30.5,
                "sampler_name": "euler",
                "scheduler": "normal",
                "denoise": 0.5,
            }
            last = self.add("KSampler", model=model, positive=texts[1], negative=texts[0], latent_image=last, **wrong)
        image = self.add("VAEDecode", samples=last)
        if dice.random() < 0.3:
            image = self.add("FaceDetailer", image=image, model=model, seed=3, steps=77, cfg=29.5)
        self.add("SaveImage", images=image)
        self.add("CLIPTextEncode", text="not used", clip=clip)
        shuffled = list(self.graph.items())
        dice.shuffle(shuffled)
        return dict(shuffled)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**64))
def test_what_a_graph_holds_is_told_and_nothing_else(seed):
    builder = Builder(random.Random(seed))
    info = read(png({"prompt": json.dumps(builder.build())}))
    request, truth = info.request, dict(builder.truth)
    assert request is not None
    known, schedule = COMFY.sampler(truth["sampler"]), COMFY.schedule(truth["schedule"])
    truth |= {"sampler": known and known[0], "schedule": schedule}
    assert {name: getattr(request, name) for name in truth} == truth, info.notes
    assert sorted((u.name, u.strength.denoiser, u.strength.text.get("te1")) for u in request.loras) == sorted(
        builder.loras
    )
    for name, value in (("sampler", known), ("schedule", schedule)):
        assert (value is None) == any(note.startswith(f"not understood: {name} ") for note in info.notes)


# Damaged pictures of every program: a value that is told stands in the file.


def scalars(value: object, depth: int = 0) -> Iterator[object]:
    """Yield every value of JSON, and of JSON within its texts."""
    if isinstance(value, dict):
        for item in value.values():
            yield from scalars(item, depth)
    elif isinstance(value, list):
        for item in value:
            yield from scalars(item, depth)
    elif isinstance(value, str):
        yield value
        if value[:1] in {"{", "["} and depth < 3:
            try:
                yield from scalars(json.loads(value), depth + 1)
            except (ValueError, RecursionError):
                return
    else:
        yield value


def stands_in(number: float | None, text: str, words: list[str]) -> bool:
    return (
        number is None or str(number) in text or f"{number:g}" in text or any(number == _number(word) for word in words)
    )


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


@settings(max_examples=250, deadline=None)
@given(st.sampled_from([s for s in samples() if b"tEXt" in s.data or b"iTXt" in s.data]), st.integers(0, 2**64))
def test_a_damaged_picture_tells_nothing_that_does_not_stand_in_it(sample: Sample, seed):
    dice = random.Random(seed)
    texts = dict(texts_of(sample.data, Path("x"), Budget()).by_key)
    for key, text in texts.items():
        cuts = sorted(dice.randrange(len(text) + 1) for _ in range(2))
        damaged = {
            0: text[: cuts[0]] + text[cuts[1] :],
            1: text[: cuts[0]] + dice.choice('":{},[]0- \n') + text[cuts[0] :],
            2: text[: cuts[1]] + text[cuts[0] :],
        }
        texts[key] = damaged[dice.randrange(3)]
    request = read(png(texts)).request
    if request is None:
        return
    written = "\n".join(texts.values())
    inner = "\n".join(str(value) for text in texts.values() for value in scalars(text))
    everything = f"{written}\n{inner}"
    words = [word for line in everything.replace(",", "\n").replace(":", "\n").split("\n") for word in line.split()]
    for number in (request.seed, request.steps, request.cfg):
        assert stands_in(number, everything, words)
    for use in request.loras:
        assert use.name in everything
        assert stands_in(use.strength.denoiser, everything, words)
    for line in (request.prompt or "").split():
        assert line in everything
    assert request.model is None or request.model in everything


# What it may cost.


def _cost(data: bytes) -> tuple[float, int]:
    """Return the processor seconds and the memory at its height that reading a picture takes."""
    started = time.process_time()
    with suppress(LoraMixerError):
        read(data)
    seconds = time.process_time() - started
    tracemalloc.start()
    with suppress(LoraMixerError):
        read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return seconds, peak


def packed_of_one_key() -> bytes:
    bomb = chunk(b"zTXt", b"parameters\0\0" + zlib.compress(bytes(8_000_000), 9))
    return raw_png(*[bomb] * 200)


def packed_of_many_keys() -> bytes:
    body = zlib.compress(bytes(8_000_000), 9)
    return raw_png(*(chunk(b"zTXt", b"k%d\0\0" % number + body) for number in range(200)))


def exif_that_claims_itself() -> bytes:
    entries = b"".join(struct.pack("<HHII", 0x9286 if n % 2 else 0x010E, 7, 2_000_000, 0) for n in range(256))
    tiff = b"II*\0" + struct.pack("<IH", 8, 256) + entries + bytes(2_000_000)
    return raw_png(chunk(b"eXIf", tiff))


def dead_links(count: int) -> bytes:
    sampler = node("KSampler", model=["x", 0], positive=["p", 0], latent_image=["e", 0])
    inputs: dict[str, object] = {f"any_{n}": [f"gone{n}", 0] for n in range(count)}
    return png(
        {
            "prompt": json.dumps(
                {"3": sampler, "p": node("Any Switch (rgthree)", **inputs), "9": node("SaveImage", images=["3", 0])}
            )
        }
    )


def long_chain(count: int) -> bytes:
    graph = {
        str(n): node("LoraLoader", lora_name="a", strength_model=1, strength_clip=1, model=[str(n + 1), 0])
        for n in range(count)
    }
    graph["s"] = node("KSampler", model=["0", 0], positive=["0", 1], latent_image=["0", 0])
    return png({"prompt": json.dumps(graph | {"v": node("SaveImage", images=["s", 0])})})


def doubling(count: int) -> bytes:
    """A graph whose text is twice as long at every node."""
    graph = {
        str(n): node("StringConcatenate", string_a=[str(n + 1), 0], string_b=[str(n + 1), 0], delimiter="")
        for n in range(count)
    }
    graph[str(count)] = node("PrimitiveString", value="ab")
    graph["t"] = node("CLIPTextEncode", text=["0", 0])
    graph["s"] = node("KSampler", positive=["t", 0], latent_image=["0", 0])
    return png({"prompt": json.dumps(graph | {"v": node("SaveImage", images=["s", 0])})})


def many_savers(count: int) -> bytes:
    graph = {f"v{n}": node("SaveImage", images=["0", 0]) for n in range(count)}
    chain = {str(n): node("ImageScale", image=[str(n + 1), 0]) for n in range(1500)}
    return png({"prompt": json.dumps(graph | chain)})


HOSTILE = {
    "zTXt of one key": packed_of_one_key,
    "zTXt of many keys": packed_of_many_keys,
    "EXIF that claims itself": exif_that_claims_itself,
    "dead links": lambda: dead_links(100_000),
    "too many dead links": lambda: dead_links(300_000),
    "a long chain": lambda: long_chain(8000),
    "doubling": lambda: doubling(60),
    "many savers": lambda: many_savers(500),
    "a long number": lambda: png(
        {"prompt": json.dumps({"3": node("KSampler", seed=1)}).replace(": 1}", ": " + "9" * 400 + "}")}
    ),
    "empty lists": lambda: png({"parameters": '{"a":[' + "[]," * 600_000 + "0]}"}),
    "deep lists": lambda: png({"parameters": '{"a":' + "[" * 500_000}),
    "a large blank picture with alpha": lambda: png({}, size=(3000, 3000), mode="RGBA"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_picture_costs_more_than_64_mib_and_four_times_its_size(name):
    data = HOSTILE[name]()
    seconds, peak = _cost(data)
    assert seconds < 2 + len(data) / 2**20, f"{seconds:.1f} s"
    assert peak < 64 * 2**20 + 4 * len(data), f"{peak / 2**20:.0f} MiB"


def test_what_was_left_for_want_of_budget_is_said():
    assert any(f"{MAX_BYTES >> 20} MiB" in note for note in read(packed_of_many_keys()).notes)
    assert any("nodes only" in note for note in read(doubling(60)).notes)


@pytest.mark.parametrize("make", [dead_links, long_chain], ids=lambda make: make.__name__)
def test_the_time_grows_with_the_size(make):
    def spent(count: int) -> float:
        data = make(count)
        best = float("inf")
        for _ in range(2):
            started = time.process_time()
            read(data)
            best = min(best, time.process_time() - started)
        return best

    small, large = spent(1000), spent(8000)
    assert large < 8 * small * 3 + 0.05
