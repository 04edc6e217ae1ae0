"""ComfyUI's graphs: what made the saved picture is found, whatever stands between, and nothing else is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lora_mixer.images import PictureInfo
from tests.images.test_other_programs import read
from tests.support.comfy_graphs import Nodes, basic, box, drawn, node, rewired, with_lora
from tests.support.other_pictures import commented, png

TRUTH = {
    "prompt": "a fox",
    "negative": "bad",
    "seed": 42,
    "steps": 30,
    "cfg": 6.5,
    "sampler": "DPM++ 2M",
    "schedule": "Karras",
    "width": 512,
    "height": 768,
    "model": "dream",
}


def told(graph: Nodes | str, **more: str) -> PictureInfo:
    key = "workflow" if isinstance(graph, str) else "prompt"
    info = read(png({key: graph if isinstance(graph, str) else json.dumps(graph), **more}))
    assert info.source == "comfyui"
    return info


def held(info: PictureInfo, **changes: object) -> None:
    """Check that a picture is told as the plain graph, but for these changes."""
    request = info.request
    assert request is not None, info.notes
    truth = {**TRUTH, **changes}
    loras = truth.pop("loras", ())
    assert {name: getattr(request, name) for name in truth} == truth, info.notes
    assert sorted((u.name, u.strength.of("denoiser"), u.strength.of("te1")) for u in request.loras) == sorted(loras), (
        info.notes
    )


def custom(**parts: dict[str, Any]) -> Nodes:
    """Return a graph of SamplerCustomAdvanced; parts replace its nodes by name."""
    graph = basic()
    graph["3"] = node(
        "SamplerCustomAdvanced",
        noise=["n", 0],
        guider=["g", 0],
        sampler=["s", 0],
        sigmas=["t", 0],
        latent_image=["5", 0],
    )
    graph |= {
        "n": node("RandomNoise", noise_seed=42),
        "g": node("CFGGuider", model=["4", 0], positive=["6", 0], negative=["7", 0], cfg=6.5),
        "s": node("KSamplerSelect", sampler_name="dpmpp_2m"),
        "t": node("BasicScheduler", model=["4", 0], scheduler="karras", steps=30, denoise=1.0),
    }
    return graph | parts


PLAIN: dict[str, Nodes] = {
    "as it opens": basic(),
    "a linked seed": basic(seed=["p", 0]) | {"p": node("PrimitiveInt", value=42)},
    "rgthree's seed": basic(seed=["p", 0]) | {"p": node("Seed (rgthree)", seed=42)},
    "an unknown node of one value": basic(cfg=["p", 0]) | {"p": node("Some Float", value=6.5)},
    "a linked text": basic()
    | {"6": node("CLIPTextEncode", text=["p", 0], clip=["4", 1]), "p": node("ShowText|pysssss", text=["q", 0], text_0="old")}
    | {"q": node("PrimitiveStringMultiline", value="a fox")},
    "joined texts": basic()
    | {
        "6": node("CLIPTextEncode", text=["p", 0], clip=["4", 1]),
        "p": node("StringConcatenate", string_a="a", string_b=["q", 0], delimiter=" "),
        "q": node("String Literal (Image Saver)", string="fox"),
    },
    "WAS's joined texts": basic()
    | {
        "6": node("CLIPTextEncode", text=["p", 0], clip=["4", 1]),
        "p": node("Text Concatenate", delimiter=" ", clean_whitespace="true", text_a="a ", text_b=["q", 0]),
        "q": node("Text Multiline", text=" fox"),
    },
    "SDXL's encoder": basic() | {"6": node("CLIPTextEncodeSDXL", text_g="a fox", text_l="a fox", width=1024, clip=["4", 1])},
    "a control net": basic(positive=["c", 0], negative=["c", 1])
    | {"c": node("ControlNetApplyAdvanced", positive=["6", 0], negative=["7", 0], control_net=["x", 0], image=["y", 0], strength=1)},
    "custom": custom(),
    "custom, simple": basic()
    | {
        "3": node(
            "SamplerCustom", add_noise=True, noise_seed=42, cfg=6.5, model=["4", 0], positive=["6", 0], negative=["7", 0],
            sampler=["s", 0], sigmas=["t", 0], latent_image=["5", 0],
        ),
        "s": node("KSamplerSelect", sampler_name="dpmpp_2m"),
        "t": node("KarrasScheduler", steps=30, sigma_max=14.6, sigma_min=0.03, rho=7),
    },
    "advanced": basic()
    | {
        "3": node(
            "KSamplerAdvanced", add_noise="enable", noise_seed=42, steps=30, cfg=6.5, sampler_name="dpmpp_2m", scheduler="karras",
            start_at_step=0, end_at_step=10000, return_with_leftover_noise="disable", model=["4", 0], positive=["6", 0],
            negative=["7", 0], latent_image=["5", 0],
        )
    },
    "impact's pipe": basic()
    | {
        "3": node(
            "ImpactKSamplerBasicPipe", basic_pipe=["b", 0], seed=42, steps=30, cfg=6.5, sampler_name="dpmpp_2m", scheduler="karras",
            latent_image=["5", 0], denoise=1,
        ),
        "b": node("ToBasicPipe", model=["4", 0], clip=["4", 1], vae=["4", 2], positive=["6", 0], negative=["7", 0]),
        "8": node("VAEDecode", samples=["3", 1], vae=["3", 2]),
    },
    "rgthree's context": basic(model=["c", 1], positive=["c", 4], negative=["c", 5], latent_image=["c", 6])
    | {
        "b": node("Context (rgthree)", model=["4", 0], clip=["4", 1], vae=["4", 2], latent=["5", 0]),
        "c": node("Context (rgthree)", base_ctx=["b", 0], positive=["6", 0], negative=["7", 0]),
    },
    "a switch": basic(model=["w", 0]) | {"w": node("ImpactSwitch", select=2, input1=["99", 0], input2=["4", 0])},
    "rgthree's switch": basic(model=["w", 0]) | {"w": node("Any Switch (rgthree)", any_02=["4", 0])},
    "model patches": basic(model=["m", 0]) | {"m": node("FreeU_V2", model=["o", 0], b1=1.1), "o": node("RescaleCFG", model=["4", 0])},
    "an unknown patch": basic(model=["m", 0]) | {"m": node("MyPatch", model=["4", 0], amount=3)},
    "an unknown sampler": basic() | {"3": basic()["3"] | {"class_type": "KSampler //Inspire"}},
    "an upscaled picture": basic()
    | {"9": node("SaveImage", images=["u", 0]), "u": node("ImageUpscaleWithModel", upscale_model=["x", 0], image=["8", 0])},
    "a detailed picture": basic()
    | {"9": node("SaveImage", images=["d", 0]), "d": node("FaceDetailer", image=["8", 0], model=["4", 0], seed=7, steps=9, cfg=3)},
    "a preview besides": basic() | {"10": node("PreviewImage", images=["8", 0])},
    "a size from rgthree": basic() | {"5": node("SDXL Empty Latent Image (rgthree)", dimensions=" 512 x 768  (portrait)")},
    "a template without choices": basic()
    | {"6": node("CLIPTextEncode", text=["p", 0], clip=["4", 1]), "p": node("easy wildcards", text="a fox", seed=1)},
    "an old name of a sampler": basic(sampler_name="sample_dpmpp_2m"),
    "a class with a blank behind": basic() | {"6": basic()["6"] | {"class_type": "CLIPTextEncode "}},
    "WAS's sampler": basic() | {"3": basic()["3"] | {"class_type": "KSampler (WAS)"}},
}  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_whatever_stands_between_the_same_is_told(name):
    held(told(PLAIN[name]))


def two_passes() -> Nodes:
    """A hires fix: the second sampler's seed, steps and size are not the picture's first."""
    second = basic(seed=7, steps=15, denoise=0.5, latent_image=["u", 0])["3"]
    return basic() | {
        "u": node("LatentUpscaleBy", samples=["3", 0], upscale_method="nearest-exact", scale_by=1.5),
        "13": second,
        "8": node("VAEDecode", samples=["13", 0], vae=["4", 2]),
    }


def test_of_two_passes_the_first_counts_and_the_second_is_named():
    info = told(two_passes())
    held(info)
    assert any("a further pass" in note and "denoise 0.5" in note for note in info.notes)


def test_a_zeroed_negative_is_empty_not_the_positive():
    graph = basic(negative=["z", 0]) | {"z": node("ConditioningZeroOut", conditioning=["6", 0])}
    info = told(graph)
    held(info, negative="")
    assert any("zeroed out" in note for note in info.notes)


def test_flux_has_no_negative():
    graph = custom(g=node("BasicGuider", model=["4", 0], conditioning=["f", 0])) | {
        "f": node("FluxGuidance", conditioning=["6", 0], guidance=3.5)
    }
    held(told(graph), negative="", cfg=1.0)


def test_concatenated_prompts_break_and_combined_ones_average():
    joined = {"x": node("CLIPTextEncode", text="a den", clip=["4", 1])}
    concat = (
        basic(positive=["j", 0])
        | joined
        | {"j": node("ConditioningConcat", conditioning_to=["6", 0], conditioning_from=["x", 0])}
    )
    held(told(concat), prompt="a fox BREAK a den")
    combined = (
        basic(positive=["j", 0])
        | joined
        | {"j": node("ConditioningCombine", conditioning_1=["6", 0], conditioning_2=["x", 0])}
    )
    held(told(combined), prompt="a fox :0.5 AND a den :0.5")
    negative = (
        basic(negative=["j", 0])
        | joined
        | {"j": node("ConditioningCombine", conditioning_1=["7", 0], conditioning_2=["x", 0])}
    )
    held(told(negative), negative=None)


LORAS: dict[str, tuple[Nodes, tuple[tuple[str, float, float], ...]]] = {
    "a chain": (with_lora("b", 0.5, 0.25, graph=with_lora("a")), (("a", 0.8, 0.6), ("b", 0.5, 0.25))),
    "a linked strength": (with_lora("a", ["p", 0], ["p", 0]) | {"p": node("PrimitiveFloat", value=0.4)}, (("a", 0.4, 0.4),)),
    "the model only": (
        basic(model=["l", 0]) | {"l": node("LoraLoaderModelOnly", lora_name="a.safetensors", strength_model=0.8, model=["4", 0])},
        (("a", 0.8, 0.0),),
    ),
    "the text encoder not wired": (
        basic(model=["l", 0])
        | {"l": node("LoraLoader", lora_name="a.safetensors", strength_model=0.8, strength_clip=0.6, model=["4", 0], clip=["4", 1])},
        (("a", 0.8, 0.0),),
    ),
    "rgthree's": (
        rewired(
            basic()
            | {
                "l": node(
                    "Power Lora Loader (rgthree)",
                    PowerLoraLoaderHeaderWidget={"type": "PowerLoraLoaderHeaderWidget"},
                    lora_1={"on": True, "lora": "style\\a.safetensors", "strength": 0.8},
                    lora_2={"on": False, "lora": "off.safetensors", "strength": 1},
                    lora_3={"on": True, "lora": "b.safetensors", "strength": 0.5, "strengthTwo": 0.1},
                    model=["4", 0],
                    clip=["4", 1],
                )
            },
            {("4", 0): ["l", 0], ("4", 1): ["l", 1]},
            but="l",
        ),
        (("a", 0.8, 0.8), ("b", 0.5, 0.1)),
    ),
    "rgthree's stack": (
        rewired(
            basic()
            | {
                "l": node(
                    "Lora Loader Stack (rgthree)", lora_01="a.safetensors", strength_01=0.8, lora_02="None", strength_02=1,
                    model=["4", 0], clip=["4", 1],
                )
            },
            {("4", 0): ["l", 0], ("4", 1): ["l", 1]},
            but="l",
        ),
        (("a", 0.8, 0.8),),
    ),
    "Comfyroll's stack": (
        rewired(
            basic()
            | {
                "s": node(
                    "CR LoRA Stack", switch_1="On", lora_name_1="a.safetensors", model_weight_1=0.8, clip_weight_1=0.6,
                    switch_2="Off", lora_name_2="off.safetensors", model_weight_2=1, clip_weight_2=1,
                ),
                "l": node("CR Apply LoRA Stack", model=["4", 0], clip=["4", 1], lora_stack=["s", 0]),
            },
            {("4", 0): ["l", 0], ("4", 1): ["l", 1]},
            but="l",
        ),
        (("a", 0.8, 0.6),),
    ),
    "LoRA Manager's": (
        rewired(
            basic()
            | {
                "l": node(
                    "Lora Loader (LoraManager)", text="<lora:a:0.8>", model=["4", 0], clip=["4", 1],
                    loras={"__value__": [{"name": "a", "strength": 0.8, "active": True}, {"name": "x", "strength": 1, "active": False}]},
                )
            },
            {("4", 0): ["l", 0], ("4", 1): ["l", 1]},
            but="l",
        ),
        (("a", 0.8, 0.8),),
    ),
    "Impact's tags": (
        basic(model=["w", 0], positive=["w", 2])
        | {
            "w": node(
                "ImpactWildcardEncode", wildcard_text="__x__", populated_text="<lora:a:0.8:0.6>a fox", mode="populate", seed=1,
                model=["4", 0], clip=["4", 1],
            ),
            "7": node("CLIPTextEncode", text="bad", clip=["w", 1]),
        },
        (("a", 0.8, 0.6),),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LORAS)
def test_loras_are_told_with_the_strengths_they_had(name):
    graph, loras = LORAS[name]
    held(told(graph), loras=loras)


def efficient() -> Nodes:
    return {
        "1": node(
            "Efficient Loader", ckpt_name="dream.safetensors", vae_name="Baked VAE", clip_skip=-2, lora_name="a.safetensors",
            lora_model_strength=0.8, lora_clip_strength=0.6, positive="a fox", negative=["t", 0], token_normalization="none",
            weight_interpretation="comfy", empty_latent_width=512, empty_latent_height=768, batch_size=1, lora_stack=["s", 0],
        ),
        "t": node("Text Multiline", text="bad"),
        "s": node(
            "LoRA Stacker", input_mode="simple", lora_count=1, lora_name_1="b.safetensors", lora_wt_1=0.5, model_str_1=1, clip_str_1=1,
            lora_name_2="unused.safetensors", lora_wt_2=1, model_str_2=1, clip_str_2=1,
        ),
        "2": node(
            "KSampler (Efficient)", seed=42, steps=30, cfg=6.5, sampler_name="dpmpp_2m", scheduler="karras", denoise=1,
            preview_method="auto", vae_decode="true", model=["1", 0], positive=["1", 1], negative=["1", 2], latent_image=["1", 3],
            optional_vae=["1", 4],
        ),
        "9": node("SaveImage", images=["2", 5]),
    }  # fmt: skip


def test_the_efficient_nodes_are_loader_encoder_and_sampler_in_one():
    held(told(efficient()), clip_skip=2, loras=(("a", 0.8, 0.6), ("b", 0.5, 0.5)))


def easy() -> Nodes:
    return {
        "1": node(
            "easy fullLoader", ckpt_name="dream.safetensors", vae_name="Baked VAE", clip_skip=-2, lora_name="None", lora_model_strength=1,
            lora_clip_strength=1, resolution="512 x 768", empty_latent_width=1, empty_latent_height=1, positive="a fox", negative="bad",
            optional_lora_stack=["s", 0],
        ),
        "s": node("easy loraStack", toggle=True, mode="advanced", num_loras=1, lora_1_name="a.safetensors", lora_1_strength=1,
                  lora_1_model_strength=0.8, lora_1_clip_strength=0.6),
        "2": node("easy preSampling", pipe=["1", 0], steps=30, cfg=6.5, sampler_name="dpmpp_2m", scheduler="karras", denoise=1, seed=42),
        "3": node("easy kSampler", pipe=["2", 0], image_output="Save"),
        "9": node("SaveImage", images=["3", 1]),
    }  # fmt: skip


def test_easy_use_carries_all_in_one_pipe():
    held(told(easy()), clip_skip=2, loras=(("a", 0.8, 0.6),))


def test_a_drawn_nodes_values_that_do_not_fit_their_names_are_left():
    slipped = workflow().replace('[1, "randomize", 30, 6.5', '[1, "randomize", "x", 30, 6.5')
    assert slipped != workflow()
    held(told(slipped), steps=None, cfg=None, sampler=None, schedule=None, loras=(("a", 0.8, 0.6),))


def test_clip_skip_counts_from_the_end():
    graph = basic() | {
        "k": node("CLIPSetLastLayer", stop_at_clip_layer=-2, clip=["4", 1]),
        "6": node("CLIPTextEncode", text="a fox", clip=["k", 0]),
    }
    held(told(graph), clip_skip=2)


UNKNOWN: dict[str, tuple[Nodes, dict[str, object], str]] = {
    "a sampler without a row": (basic(sampler_name="seeds_3"), {"sampler": None}, "sampler seeds_3"),
    "a schedule without a row": (basic(scheduler="bong_tangent"), {"schedule": None}, "schedule bong_tangent"),
    "an unknown text": (
        basic() | {"6": node("CLIPTextEncode", text=["p", 0], clip=["4", 1]), "p": node("LLM", model="x", text="write", n=3)},
        {"prompt": ""},
        "the text of node LLM",
    ),
    "a template with choices": (
        basic() | {"6": node("CLIPTextEncode", text=["p", 0], clip=["4", 1]), "p": node("DPRandomGenerator", text="a {fox|cat}", seed=1)},
        {"prompt": ""},
        "the text of node DPRandomGenerator",
    ),
    "a computed number": (basic(steps=["p", 0]) | {"p": node("MathExpression|pysssss", expression="a*2", a=3)}, {"steps": None}, "MathExpression"),
    "a loader of LoRAs": (
        basic(model=["p", 0]) | {"p": node("Fancy Loader", model=["4", 0], file="x.safetensors")},
        {},
        "may load x.safetensors",
    ),
    "another picture": (
        basic(latent_image=["e", 0]) | {"e": node("VAEEncode", pixels=["i", 0], vae=["4", 2]), "i": node("LoadImage", image="x.png")},
        {"width": 8, "height": 8},
        "made from another picture",
    ),
    "an average": (
        basic(positive=["j", 0])
        | {"j": node("ConditioningAverage", conditioning_to=["6", 0], conditioning_from=["7", 0], conditioning_to_strength=0.5)},
        {"prompt": ""},
        "an average of two prompts",
    ),
    "a seed that is too long": (basic(seed=10**40), {"seed": None}, "seed"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_understood_is_named_and_left_open(name):
    graph, changes, word = UNKNOWN[name]
    info = told(graph)
    held(info, **changes)
    assert word in " ".join(info.notes)


def test_a_picture_made_from_another_and_enlarged_since_has_no_size():
    graph = basic(latent_image=["e", 0], denoise=0.6) | {
        "e": node("VAEEncode", pixels=["i", 0], vae=["4", 2]),
        "i": node("LoadImage", image="x.png"),
        "u": node("ImageScaleBy", image=["8", 0], scale_by=2),
        "9": node("SaveImage", images=["u", 0]),
    }
    held(told(graph), width=None, height=None)


def test_of_several_saved_pictures_the_size_tells_or_only_what_they_share_is_given():
    other = basic(seed=43, latent_image=["15", 0])["3"]
    graph = basic() | {
        "15": node("EmptyLatentImage", width=640, height=640, batch_size=1),
        "13": other,
        "18": node("VAEDecode", samples=["13", 0]),
        "19": node("SaveImage", images=["18", 0]),
    }
    held(told(graph), seed=None, width=None, height=None)
    sized = read(png({"prompt": json.dumps(graph)}, size=(640, 640)))
    held(sized, seed=43, width=640, height=640)


def test_a_text_of_a1111s_form_beside_the_graph_goes_first_and_the_graph_fills_its_gaps():
    text = (
        "a fox\nNegative prompt: bad\nSteps: 30, Sampler: dpmpp_2m_karras, CFG scale: 6.5, Seed: 42, Version: ComfyUI"
    )
    held(told(with_lora("a"), parameters=text), loras=(("a", 0.8, 0.6),))


def test_civitais_generator_says_more_than_its_graph():
    graph = with_lora("urn:air:sdxl:lora:civitai:1@2", 0.7, 0.7) | {
        "extra": {"airs": ["urn:air:sdxl:checkpoint:civitai:3@4"]},
        "extraMetadata": json.dumps(
            {"prompt": "asked", "negativePrompt": "not", "steps": 20, "cfgScale": 5, "seed": 9, "sampler": "Euler a"}
        ),
    }
    info = read(commented(b"UNICODE\0" + json.dumps(graph).encode("utf-16-be")))
    assert info.source == "civitai"
    name = "urn:air:sdxl:lora:civitai:1@2"
    changes = {
        "prompt": "asked",
        "negative": "not",
        "steps": 20,
        "cfg": 5.0,
        "seed": 9,
        "sampler": "Euler a",
        "schedule": None,
    }
    held(info, **changes, loras=((name, 0.7, 0.7),))


def test_a_webps_graph_stands_in_the_cameras_name():
    held(read(commented(b"", "WEBP", top={0x0110: "prompt:" + json.dumps(basic()), 0x010F: "workflow:{}"})))


def workflow(**more: Any) -> str:
    """The graph that ComfyUI opens with, as it is drawn, with a LoRA, a bypassed one, a reroute and a primitive."""
    return drawn(
        box(3, "KSampler", [1, "randomize", 30, 6.5, "dpmpp_2m", "karras", 1], {"model": 1, "positive": 4, "negative": 6, "latent_image": 2, "seed": 20}),
        box(20, "PrimitiveNode", [42, "fixed"]),
        box(4, "CheckpointLoaderSimple", ["dream.safetensors"]),
        box(10, "LoraLoader", ["a.safetensors", 0.8, 0.6], {"model": 10, "clip": 11}),
        box(11, "LoraLoader", ["off.safetensors", 1, 1], {"model": 12, "clip": 13}, mode=4)
        | {"inputs": [{"name": "model", "type": "MODEL", "link": 12}, {"name": "clip", "type": "CLIP", "link": 13}],
           "outputs": [{"name": "MODEL", "type": "MODEL"}, {"name": "CLIP", "type": "CLIP"}]},
        box(12, "Reroute", (), {"": 14}),
        box(5, "EmptyLatentImage", [512, 768, 1]),
        box(6, "CLIPTextEncode", ["a fox"], {"clip": 3}),
        box(7, "CLIPTextEncode", ["bad"], {"clip": 5}),
        box(8, "VAEDecode", (), {"samples": 7}),
        box(9, "SaveImage", ["ComfyUI"], {"images": 9}),
        box(30, "KSampler", [9, "fixed", 9, 9, "euler", "normal", 1], {"latent_image": 2}, mode=2),
        links=[
            [1, 12, 0, 3, 0, "MODEL"], [14, 11, 0, 12, 0, "MODEL"], [12, 10, 0, 11, 0, "MODEL"], [13, 10, 1, 11, 1, "CLIP"],
            [10, 4, 0, 10, 0, "MODEL"], [11, 4, 1, 10, 1, "CLIP"], [2, 5, 0, 3, 3, "LATENT"], [3, 11, 1, 6, 0, "CLIP"],
            [5, 11, 1, 7, 0, "CLIP"], [4, 6, 0, 3, 1, "CONDITIONING"], [6, 7, 0, 3, 2, "CONDITIONING"], [7, 3, 0, 8, 0, "LATENT"],
            [9, 8, 0, 9, 0, "IMAGE"], [20, 20, 0, 3, 4, "INT"],
        ],
        **more,
    )  # fmt: skip


def test_a_drawn_workflow_is_read_where_nothing_was_sent():
    held(told(workflow()), loras=(("a", 0.8, 0.6),))


def test_the_sent_graph_goes_before_the_drawn_one():
    held(told(basic(), workflow=workflow()))


def test_a_subgraph_is_looked_into():
    inside = {
        "id": "uuid-1",
        "nodes": [box(3, "KSampler", [42, "fixed", 30, 6.5, "dpmpp_2m", "karras", 1],
                      {"model": 1, "positive": 2, "negative": 3, "latent_image": 4})],
        "links": [
            {"id": number, "origin_id": -10, "origin_slot": number - 1, "target_id": 3, "target_slot": number - 1}
            for number in (1, 2, 3, 4)
        ] + [{"id": 5, "origin_id": 3, "origin_slot": 0, "target_id": -20, "target_slot": 0}],
    }  # fmt: skip
    outside = drawn(
        box(1, "uuid-1", (), {"model": 1, "positive": 2, "negative": 3, "latent": 4}),
        box(4, "CheckpointLoaderSimple", ["dream.safetensors"]),
        box(5, "EmptyLatentImage", [512, 768, 1]),
        box(6, "CLIPTextEncode", ["a fox"], {"clip": 5}),
        box(7, "CLIPTextEncode", ["bad"], {"clip": 6}),
        box(8, "VAEDecode", (), {"samples": 7}),
        box(9, "SaveImage", ["x"], {"images": 8}),
        links=[
            [1, 4, 0, 1, 0, "MODEL"], [2, 6, 0, 1, 1, "CONDITIONING"], [3, 7, 0, 1, 2, "CONDITIONING"], [4, 5, 0, 1, 3, "LATENT"],
            [5, 4, 1, 6, 0, "CLIP"], [6, 4, 1, 7, 0, "CLIP"], [7, 1, 0, 8, 0, "LATENT"], [8, 8, 0, 9, 0, "IMAGE"],
        ],
        definitions={"subgraphs": [inside]},
    )  # fmt: skip
    held(told(outside))
