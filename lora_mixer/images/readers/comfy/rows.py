"""The node classes of ComfyUI that are understood, one row each. A new one is a row here and nothing else.

Sources: `nodes.py` and `comfy_extras/` of ComfyUI; rgthree-comfy; efficiency-nodes-comfyui; ComfyUI-Impact-Pack;
ComfyUI-Easy-Use; was-node-suite-comfyui; ComfyUI-Custom-Scripts; ComfyUI_Comfyroll_CustomNodes; ComfyUI-KJNodes;
ComfyUI-Image-Saver; ComfyUI-Lora-Manager; ComfyUI_essentials; SwarmUI's nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from lora_mixer.images.readers.comfy.row import LoraInputs, NodeRow

_BOTH = {"positive": "positive", "negative": "negative"}
_KSAMPLER = {
    "model": "model",
    **_BOTH,
    "latent": "latent_image",
    "seed": "seed",
    "steps": "steps",
    "cfg": "cfg",
    "sampler": "sampler_name",
    "scheduler": "scheduler",
    "denoise": "denoise",
}
_ADVANCED = {**{k: v for k, v in _KSAMPLER.items() if k != "denoise"}, "seed": "noise_seed", "start": "start_at_step"}
_ADVANCED |= {"end": "end_at_step", "noise": "add_noise"}
_KSAMPLER_WIDGETS = ("seed", "*", "steps", "cfg", "sampler_name", "scheduler", "denoise")
_ADVANCED_WIDGETS: tuple[str, ...] = (
    "add_noise",
    "noise_seed",
    "*",
    "steps",
    "cfg",
    "sampler_name",
    "scheduler",
    "start_at_step",
)
_ADVANCED_WIDGETS += ("end_at_step", "return_with_leftover_noise")
_PIPED = {k: v for k, v in _KSAMPLER.items() if k not in {"model", "positive", "negative"}} | {"pipe": "basic_pipe"}
_LOADER = ("model", "clip", "vae")
_CONTEXT = ("pipe", "model", "clip", "vae", "positive", "negative", "latent", "image", "seed")
_BIG: tuple[str, ...] = (
    "steps",
    "step_refiner",
    "cfg",
    "ckpt_name",
    "sampler",
    "scheduler",
    "clip_width",
    "clip_height",
)
_BIG += ("text_pos_g", "text_pos_l", "text_neg_g", "text_neg_l")


def _same(*roles: str) -> dict[str, str]:
    return {role: role for role in roles}


def _each(names: Iterable[str], row: NodeRow) -> dict[str, NodeRow]:
    return dict.fromkeys(names, row)


def _patch(note: str = "") -> NodeRow:
    return NodeRow(slots=("model",), passes={"model": "model"}, note=note)


def _latent(**more: object) -> NodeRow:
    return NodeRow(slots=("latent",), passes={"latent": "samples"}, **more)  # type: ignore[arg-type]


def _image(name: str = "image", **more: object) -> NodeRow:
    return NodeRow(slots=("image",), passes={"image": name}, **more)  # type: ignore[arg-type]


def _conditioned(name: str = "conditioning", note: str = "") -> NodeRow:
    return NodeRow(slots=("conditioning",), passes={"conditioning": name}, note=note)


def _value(*inputs: str, widgets: tuple[str, ...] = ()) -> NodeRow:
    return NodeRow(values=inputs, widgets=widgets or inputs)


def _scheduler(kind: str, *widgets: str, denoise: bool = False) -> NodeRow:
    parts = {"steps": "steps", "scheduler": f"={kind}"} | ({"denoise": "denoise"} if denoise else {})
    return NodeRow(slots=("sigmas",), sigmas=parts, widgets=widgets or ("steps",))


_LORA = NodeRow(
    slots=("model", "clip"),
    passes=_same("model", "clip"),
    loras=LoraInputs(),
    widgets=("lora_name", "strength_model", "strength_clip"),
)
_CHECKPOINT = NodeRow(slots=_LOADER, model="ckpt_name", widgets=("ckpt_name",))
_ENCODER = NodeRow(
    slots=("conditioning",), passes={"clip": "clip"}, texts={"conditioning": ("text",)}, widgets=("text",)
)
_EMPTY = NodeRow(slots=("latent",), size=("width", "height"), widgets=("width", "height", "batch_size"))
_CONTROL = NodeRow(slots=("positive", "negative"), passes=_BOTH, note="a ControlNet is not carried over")
_EASY_TEXTS: Mapping[str, tuple[str, ...]] = {"positive": ("positive",), "negative": ("negative",)}
_EASY_LOADER = NodeRow(
    slots=("pipe", "model", "vae"),
    passes={"model": "model_override", "clip": "clip_override"},
    texts=_EASY_TEXTS,
    model="ckpt_name",
    clip_skip="clip_skip",
    loras=LoraInputs(denoiser="lora_model_strength", text="lora_clip_strength"),
    stack="optional_lora_stack",
    size=("empty_latent_width", "empty_latent_height", "resolution"),
)
_EASY_SETTINGS = {"pipe": "pipe", "seed": "seed", "steps": "steps", "cfg": "cfg", "sampler": "sampler_name"}
_EASY_SETTINGS |= {"scheduler": "scheduler", "denoise": "denoise", "latent": "latent"}

MODEL_PATCHES = (
    "FreeU", "FreeU_V2", "HyperTile", "RescaleCFG", "PerturbedAttentionGuidance", "SelfAttentionGuidance",
    "TomePatchModel", "PatchModelAddDownscale", "ModelSamplingDiscrete", "ModelSamplingContinuousEDM",
    "ModelSamplingContinuousV", "ModelSamplingFlux", "ModelSamplingSD3", "ModelSamplingAuraFlow",
    "DifferentialDiffusion", "DynamicThresholdingSimple", "DynamicThresholdingFull", "Automatic CFG",
    "SkipLayerGuidanceSD3", "SkimmedCFG", "TorchCompileModel", "EpsilonScaling", "IPAdapterApply", "IPAdapter",
    "IPAdapterAdvanced", "IPAdapterFaceID", "IPAdapterStyleComposition", "ApplyInstantID", "CFGZeroStar",
    "RenormCFG", "Mahiro", "SAG", "PAG", "TeaCache", "PathchSageAttentionKJ", "ModelPatchTorchSettings",
    "ApplyFBCacheOnModel", "SkipLayerGuidanceDiT", "SLG", "DeepShrink", "CFGNorm", "VideoLinearCFGGuidance", "ModelSamplingStableCascade", "CFGNormalization", "ADE_AnimateDiffLoaderGen1",
)  # fmt: skip
"""Nodes that change how a model is used, not what its weights are."""
IMAGE_STEPS = (
    "ImageScale", "ImageScaleBy", "ImageUpscaleWithModel", "ImageScaleToTotalPixels", "ImageSharpen", "ImageBlur",
    "ImageInvert", "ImageCrop", "ImagePadForOutpaint", "ImageQuantize", "ImageAddNoise", "ImageResize+",
    "ImageUpscale", "Image Resize", "ColorCorrect", "CR Upscale Image", "ImageScaleToMaxDimension", "ImageResizeKJ",
    "ImageResizeKJv2", "ImageCASharpening+", "ImageFromBatch", "FilmGrain",
)  # fmt: skip
"""Steps over the finished picture."""
DETAILERS = (
    "FaceDetailer", "FaceDetailerPipe", "DetailerForEach", "DetailerForEachDebug", "DetailerForEachPipe",
    "UltimateSDUpscale", "UltimateSDUpscaleNoUpscale", "MaskDetailerPipe", "ReActorFaceSwap", "SeedVR2VideoUpscaler",
)  # fmt: skip
SAMPLER_NODES: Mapping[str, str] = {
    "SamplerEulerAncestral": "euler_ancestral",
    "SamplerEulerAncestralCFGPP": "euler_ancestral_cfg_pp",
    "SamplerDPMPP_SDE": "dpmpp_sde",
    "SamplerDPMPP_3M_SDE": "dpmpp_3m_sde",
    "SamplerDPMPP_2S_Ancestral": "dpmpp_2s_ancestral",
    "SamplerDPMAdaptative": "dpm_adaptive",
    "SamplerLMS": "lms",
    "SamplerER_SDE": "er_sde",
    "SamplerSASolver": "sa_solver",
    "SamplerSEEDS2": "seeds_2",
}

_CORE: dict[str, NodeRow] = {
    "KSampler": NodeRow(slots=("latent",), sampler=_KSAMPLER, widgets=_KSAMPLER_WIDGETS),
    "KSamplerAdvanced": NodeRow(slots=("latent",), sampler=_ADVANCED, widgets=_ADVANCED_WIDGETS),
    "SamplerCustom": NodeRow(
        slots=("latent", "latent"),
        sampler={
            **{k: v for k, v in _KSAMPLER.items() if k not in {"steps", "scheduler", "denoise"}},
            "seed": "noise_seed",
            "sampler": "sampler",
            "sigmas": "sigmas",
            "noise": "add_noise",
        },
        widgets=("add_noise", "noise_seed", "*", "cfg"),
    ),
    "SamplerCustomAdvanced": NodeRow(
        slots=("latent", "latent"),
        sampler={
            "seed": "noise",
            "guider": "guider",
            "sampler": "sampler",
            "sigmas": "sigmas",
            "latent": "latent_image",
        },
    ),
    "RandomNoise": NodeRow(values=("noise_seed",), widgets=("noise_seed", "*")),
    "DisableNoise": NodeRow(note="a sampler adds no noise"),
    "BasicGuider": NodeRow(slots=("guider",), guider={"model": "model", "positive": "conditioning", "cfg": "=1"}),
    "CFGGuider": NodeRow(slots=("guider",), guider={"model": "model", **_BOTH, "cfg": "cfg"}, widgets=("cfg",)),
    "DualCFGGuider": NodeRow(
        slots=("guider",),
        guider={"model": "model", "positive": "cond1", "negative": "negative"},
        note="not understood: DualCFGGuider guides by two texts",
        widgets=("cfg_conds", "cfg_cond2_negative"),
    ),
    "PerpNegGuider": NodeRow(
        slots=("guider",),
        guider={"model": "model", **_BOTH, "cfg": "cfg"},
        note="PerpNeg is not carried over",
        widgets=("cfg", "neg_scale"),
    ),
    "KSamplerSelect": _value("sampler_name"),
    "SamplerDPMPP_2M_SDE": NodeRow(constant="dpmpp_2m_sde", widgets=("solver_type", "eta", "s_noise", "noise_device")),
    **{name: NodeRow(constant=kind) for name, kind in SAMPLER_NODES.items()},
    "BasicScheduler": NodeRow(
        slots=("sigmas",),
        sigmas={"steps": "steps", "scheduler": "scheduler", "denoise": "denoise"},
        widgets=("scheduler", "steps", "denoise"),
    ),
    "KarrasScheduler": _scheduler("karras", "steps", "sigma_max", "sigma_min", "rho"),
    "ExponentialScheduler": _scheduler("exponential", "steps", "sigma_max", "sigma_min"),
    "PolyexponentialScheduler": _scheduler("polyexponential", "steps", "sigma_max", "sigma_min", "rho"),
    "SDTurboScheduler": _scheduler("turbo", "steps", "denoise", denoise=True),
    "BetaSamplingScheduler": _scheduler("beta", "steps", "alpha", "beta"),
    "AlignYourStepsScheduler": _scheduler("align_your_steps", "model_type", "steps", "denoise", denoise=True),
    "GITSScheduler": _scheduler("gits", "coeff", "steps", "denoise", denoise=True),
    "VPScheduler": _scheduler("vp", "steps", "beta_d", "beta_min", "eps_s"),
    "LaplaceScheduler": _scheduler("laplace", "steps", "sigma_max", "sigma_min", "mu", "beta"),
    "OptimalStepsScheduler": _scheduler("optimal steps", "model_type", "steps", "denoise", denoise=True),
    "LTXVScheduler": _scheduler("ltxv"),
    "Flux2Scheduler": _scheduler("flux2", "steps", "width", "height"),
    "SplitSigmas": NodeRow(
        slots=("sigmas", "sigmas"),
        passes={"sigmas": "sigmas"},
        note="the steps are divided among samplers; the first one's share is not carried over",
        widgets=("step",),
    ),
    "SplitSigmasDenoise": NodeRow(
        slots=("sigmas", "sigmas"), passes={"sigmas": "sigmas"}, note="the steps are divided", widgets=("denoise",)
    ),
    "CheckpointLoaderSimple": _CHECKPOINT,
    "CheckpointLoader": NodeRow(slots=_LOADER, model="ckpt_name", widgets=("config_name", "ckpt_name")),
    "unCLIPCheckpointLoader": _CHECKPOINT,
    "UNETLoader": NodeRow(slots=("model",), model="unet_name", widgets=("unet_name", "weight_dtype")),
    "UnetLoaderGGUF": NodeRow(slots=("model",), model="unet_name", widgets=("unet_name",)),
    "CLIPLoader": NodeRow(slots=("clip",), widgets=("clip_name", "type", "device")),
    "DualCLIPLoader": NodeRow(slots=("clip",), widgets=("clip_name1", "clip_name2", "type", "device")),
    "TripleCLIPLoader": NodeRow(slots=("clip",)),
    "DualCLIPLoaderGGUF": NodeRow(slots=("clip",)),
    "CLIPLoaderGGUF": NodeRow(slots=("clip",)),
    "LoraLoader": _LORA,
    "LoraLoaderModelOnly": NodeRow(
        slots=("model",), passes=_same("model"), loras=LoraInputs(text="0"), widgets=("lora_name", "strength_model")
    ),
    "CLIPSetLastLayer": NodeRow(
        slots=("clip",), passes=_same("clip"), clip_skip="stop_at_clip_layer", widgets=("stop_at_clip_layer",)
    ),
    "ModelMergeSimple": NodeRow(
        slots=("model",),
        passes={"model": "model1"},
        note="not understood: a merge of models, of which the first is named",
    ),
    "ModelMergeBlocks": NodeRow(
        slots=("model",),
        passes={"model": "model1"},
        note="not understood: a merge of models, of which the first is named",
    ),
    **_each(
        ("ModelMergeAdd", "ModelMergeSubtract"),
        NodeRow(
            slots=("model",),
            passes={"model": "model1"},
            note="not understood: a merge of models, of which the first is named",
        ),
    ),
    "HypernetworkLoader": _patch("a hypernetwork is not carried over"),
    "QuadrupleCLIPLoader": NodeRow(slots=("clip",)),
    "CLIPMergeSimple": NodeRow(slots=("clip",), passes={"clip": "clip1"}),
    **_each(MODEL_PATCHES, _patch()),
    "CLIPTextEncode": _ENCODER,
    "CLIPTextEncodeSDXL": NodeRow(
        slots=("conditioning",),
        passes={"clip": "clip"},
        texts={"conditioning": ("text_g", "text_l")},
        widgets=("width", "height", "crop_w", "crop_h", "target_width", "target_height", "text_g", "text_l"),
    ),
    "CLIPTextEncodeSDXLRefiner": NodeRow(
        slots=("conditioning",),
        passes={"clip": "clip"},
        texts={"conditioning": ("text",)},
        widgets=("ascore", "width", "height", "text"),
    ),
    "CLIPTextEncodeFlux": NodeRow(
        slots=("conditioning",),
        passes={"clip": "clip"},
        texts={"conditioning": ("t5xxl", "clip_l")},
        widgets=("clip_l", "t5xxl", "guidance"),
    ),
    "CLIPTextEncodeSD3": NodeRow(
        slots=("conditioning",),
        passes={"clip": "clip"},
        texts={"conditioning": ("clip_g", "clip_l", "t5xxl")},
        widgets=("clip_l", "clip_g", "t5xxl", "empty_padding"),
    ),
    "CLIPTextEncodeHunyuanDiT": NodeRow(
        slots=("conditioning",),
        passes={"clip": "clip"},
        texts={"conditioning": ("bert", "mt5xl")},
        widgets=("bert", "mt5xl"),
    ),
    "TextEncodeQwenImageEdit": NodeRow(
        slots=("conditioning",), passes={"clip": "clip"}, texts={"conditioning": ("prompt",)}, widgets=("prompt",)
    ),
    "FluxGuidance": NodeRow(
        slots=("conditioning",),
        passes={"conditioning": "conditioning"},
        note="Flux's distilled guidance is not carried over",
        widgets=("guidance",),
    ),
    "ConditioningZeroOut": NodeRow(slots=("conditioning",), zero=True),
    "ConditioningCombine": NodeRow(slots=("conditioning",), joins=("conditioning_1", "conditioning_2"), joint="AND"),
    "ConditioningConcat": NodeRow(
        slots=("conditioning",), joins=("conditioning_to", "conditioning_from"), joint="BREAK"
    ),
    "ConditioningAverage": NodeRow(
        slots=("conditioning",),
        joins=("conditioning_to", "conditioning_from"),
        joint="average",
        widgets=("conditioning_to_strength",),
    ),
    **_each(
        ("ConditioningSetArea", "ConditioningSetAreaPercentage", "ConditioningSetMask", "ConditioningSetAreaStrength"),
        _conditioned(note="a text that acts on a part of the picture acts on all of it here"),
    ),
    "ConditioningSetTimestepRange": NodeRow(
        slots=("conditioning",),
        passes={"conditioning": "conditioning"},
        note="a text that acts for some of the steps acts for all of them here",
        widgets=("start", "end"),
    ),
    "ControlNetApply": _conditioned(note="a ControlNet is not carried over"),
    **_each(("ControlNetApplyAdvanced", "ControlNetApplySD3", "ControlNetInpaintingAliMamaApply"), _CONTROL),
    **_each(("ACN_AdvancedControlNetApply", "ControlNetApplyAdvanced //Inspire"), _CONTROL),
    "InpaintModelConditioning": NodeRow(
        slots=("positive", "negative", "latent"), passes={**_BOTH, "image": "pixels"}, source=True
    ),
    "InstructPixToPixConditioning": NodeRow(
        slots=("positive", "negative", "latent"), passes={**_BOTH, "image": "pixels"}, source=True
    ),
    **_each(
        ("WanImageToVideo", "WanVaceToVideo", "HunyuanImageToVideo", "LTXVImgToVideo", "SVD_img2vid_Conditioning"),
        NodeRow(slots=("positive", "negative", "latent"), passes=_BOTH, size=("width", "height"), note="it is a video"),
    ),
    "LTXVConditioning": NodeRow(slots=("positive", "negative"), passes=_BOTH),
    "StableCascade_StageB_Conditioning": _conditioned(),
    "unCLIPConditioning": _conditioned(note="a picture in the prompt is not carried over"),
    "StyleModelApply": _conditioned(note="a picture in the prompt is not carried over"),
    "ReferenceLatent": _conditioned(note="a picture in the prompt is not carried over"),
    "GLIGENTextBoxApply": _conditioned("conditioning_to", note="GLIGEN is not carried over"),
    "EmptyLatentImage": _EMPTY,
    "EmptySD3LatentImage": _EMPTY,
    **_each(
        (
            "EmptyHunyuanLatentVideo",
            "EmptyMochiLatentVideo",
            "EmptyLTXVLatentVideo",
            "EmptyCosmosLatentVideo",
            "EmptyQwenImageLayeredLatentImage",
        ),
        _EMPTY,
    ),
    "StableCascade_EmptyLatentImage": NodeRow(
        slots=("latent", "latent"), size=("width", "height"), widgets=("width", "height", "compression", "batch_size")
    ),
    "EmptyFlux2LatentImage": _EMPTY,
    "EmptyChromaRadianceLatentImage": _EMPTY,
    **_each(
        (
            "LatentUpscale",
            "LatentUpscaleBy",
            "LatentFlip",
            "LatentRotate",
            "LatentCrop",
            "RepeatLatentBatch",
        ),
        _latent(),
    ),
    **_each(
        ("LatentComposite", "LatentCompositeMasked", "LatentBlend"),
        NodeRow(
            slots=("latent",),
            passes={"latent": "samples_to"},
            note="several latents are put together, of which one is followed",
        ),
    ),
    "SetLatentNoiseMask": _latent(note="a mask over the latent is not carried over"),
    "LatentFromBatch": _latent(note="it was one of a batch; which one is not carried over"),
    "LatentBatchSeedBehavior": _latent(),
    "NNLatentUpscale": NodeRow(slots=("latent",), passes={"latent": "latent"}),
    "VAEEncode": NodeRow(slots=("latent",), passes={"image": "pixels"}),
    "VAEEncodeTiled": NodeRow(slots=("latent",), passes={"image": "pixels"}),
    "VAEEncodeForInpaint": NodeRow(slots=("latent",), passes={"image": "pixels"}, note="a mask is not carried over"),
    "LoadImage": NodeRow(slots=("image",), source=True),
    "LoadImageMask": NodeRow(slots=("image",), source=True),
    "LoadImageOutput": NodeRow(slots=("image",), source=True),
    "LoadLatent": NodeRow(slots=("latent",), source=True),
    **_each(("VAEDecode", "VAEDecodeTiled"), NodeRow(slots=("image",), passes={"latent": "samples"})),
    **_each(IMAGE_STEPS, _image()),
    "ImageRebatch": _image("images"),
    **_each(DETAILERS, _image(note="a pass over parts of the finished picture is not carried over")),
    "ImageCompositeMasked": _image("destination"),
    "ImageBlend": _image("image1"),
    "ImageBatch": _image("image1"),
    "SaveImage": NodeRow(saver="images", widgets=("filename_prefix",)),
    "PreviewImage": NodeRow(saver="images", preview=True),
    "SaveImageWebsocket": NodeRow(saver="images"),
    "SaveAnimatedWEBP": NodeRow(saver="images"),
    "SaveAnimatedPNG": NodeRow(saver="images"),
    "PrimitiveInt": _value("value", widgets=("value", "*")),
    "PrimitiveFloat": _value("value"),
    "PrimitiveString": _value("value"),
    "PrimitiveStringMultiline": _value("value"),
    "PrimitiveBoolean": _value("value"),
    "StringConcatenate": NodeRow(
        texts={"text": ("string_a", "string_b")}, text_join="delimiter", widgets=("string_a", "string_b", "delimiter")
    ),
    "Reroute": NodeRow(switch="*"),
}

_RGTHREE: dict[str, NodeRow] = {
    "Power Lora Loader (rgthree)": NodeRow(
        slots=("model", "clip"), passes=_same("model", "clip"), loras=LoraInputs(how="power")
    ),
    "Lora Loader Stack (rgthree)": NodeRow(
        slots=("model", "clip"),
        passes=_same("model", "clip"),
        loras=LoraInputs(name="lora_{i}", denoiser="strength_{i}", text="", digits=2),
    ),
    "Seed (rgthree)": _value("seed"),
    "KSampler Config (rgthree)": _value("steps_total", "refiner_step", "cfg", "sampler_name", "scheduler"),
    "SDXL Empty Latent Image (rgthree)": NodeRow(slots=("latent",), size=("dimensions",)),
    **_each(
        ("Context (rgthree)", "Context Big (rgthree)"),
        NodeRow(
            slots=_CONTEXT + _BIG,
            passes={role: role for role in _CONTEXT[1:] + _BIG if role != "image"} | {"image": "images"},
            pipe="base_ctx",
        ),
    ),
    **_each(
        ("Context Switch (rgthree)", "Context Switch Big (rgthree)"), NodeRow(slots=_CONTEXT + _BIG, switch="ctx_*")
    ),
    "Any Switch (rgthree)": NodeRow(switch="any_*"),
    **_each(
        ("Power Prompt (rgthree)", "Power Prompt - Simple (rgthree)"),
        NodeRow(
            slots=("conditioning", "model", "clip", "text"),
            passes={"model": "opt_model", "clip": "opt_clip"},
            texts={"conditioning": ("prompt",), "text": ("prompt",)},
            loras=LoraInputs(how="tags", name="prompt"),
        ),
    ),
    **_each(
        ("SDXL Power Prompt - Positive (rgthree)", "SDXL Power Prompt - Simple / Negative (rgthree)"),
        NodeRow(
            slots=("conditioning", "model", "clip", "text", "text"),
            passes={"model": "opt_model", "clip": "opt_clip"},
            texts={"conditioning": ("prompt_g", "prompt_l")},
            loras=LoraInputs(how="tags", name="prompt_g"),
        ),
    ),
}

_EFFICIENT: dict[str, NodeRow] = {
    "Efficient Loader": NodeRow(
        slots=("model", "positive", "negative", "latent", "vae", "clip"),
        texts=_EASY_TEXTS,
        model="ckpt_name",
        clip_skip="clip_skip",
        loras=LoraInputs(denoiser="lora_model_strength", text="lora_clip_strength"),
        stack="lora_stack",
        size=("empty_latent_width", "empty_latent_height"),
        widgets=(
            "ckpt_name",
            "vae_name",
            "clip_skip",
            "lora_name",
            "lora_model_strength",
            "lora_clip_strength",
            "positive",
            "negative",
            "token_normalization",
            "weight_interpretation",
            "empty_latent_width",
            "empty_latent_height",
            "batch_size",
        ),
    ),
    "Eff. Loader SDXL": NodeRow(
        widgets=(
            "base_ckpt_name",
            "base_clip_skip",
            "refiner_ckpt_name",
            "refiner_clip_skip",
            "positive_ascore",
            "negative_ascore",
            "vae_name",
            "positive",
            "negative",
            "token_normalization",
            "weight_interpretation",
            "empty_latent_width",
            "empty_latent_height",
            "batch_size",
        ),
        slots=("pipe", "latent", "vae"),
        texts=_EASY_TEXTS,
        model="base_ckpt_name",
        clip_skip="base_clip_skip",
        stack="lora_stack",
        size=("empty_latent_width", "empty_latent_height"),
    ),
    "Pack SDXL Tuple": NodeRow(
        slots=("pipe",),
        passes={"model": "base_model", "clip": "base_clip", "positive": "base_positive", "negative": "base_negative"},
    ),
    "Unpack SDXL Tuple": NodeRow(slots=("model", "clip", "positive", "negative"), pipe="sdxl_tuple"),
    "KSampler (Efficient)": NodeRow(
        slots=("model", "positive", "negative", "latent", "vae", "image"),
        passes=_same("model", "positive", "negative"),
        sampler=_KSAMPLER,
        widgets=(*_KSAMPLER_WIDGETS, "preview_method", "vae_decode"),
    ),
    "KSampler Adv. (Efficient)": NodeRow(
        slots=("model", "positive", "negative", "latent", "vae", "image"),
        passes=_same("model", "positive", "negative"),
        sampler=_ADVANCED,
    ),
    "KSampler SDXL (Eff.)": NodeRow(
        widgets=("noise_seed", "*", "steps", "cfg", "sampler_name", "scheduler", "start_at_step", "refine_at_step"),
        slots=("pipe", "latent", "vae", "image"),
        pipe="sdxl_tuple",
        sampler={k: v for k, v in _KSAMPLER.items() if k not in {"model", "positive", "negative", "denoise"}}
        | {"seed": "noise_seed", "pipe": "sdxl_tuple"},
    ),
    "Apply ControlNet Stack": NodeRow(
        slots=("positive", "negative"), passes=_BOTH, note="a ControlNet is not carried over"
    ),
    "LoRA Stacker": NodeRow(
        slots=("stack",),
        stack="lora_stack",
        loras=LoraInputs(
            name="lora_name_{i}",
            modes=("input_mode", {"simple": ("lora_wt_{i}", ""), "advanced": ("model_str_{i}", "clip_str_{i}")}),
        ),
    ),
}

_IMPACT: dict[str, NodeRow] = {
    "ImpactWildcardEncode": NodeRow(
        slots=("model", "clip", "conditioning", "text"),
        passes=_same("model", "clip"),
        texts={"conditioning": ("populated_text",), "text": ("populated_text",)},
        loras=LoraInputs(how="tags", name="populated_text"),
    ),
    "ImpactWildcardProcessor": _value("populated_text"),
    "WildcardEncode //Inspire": NodeRow(
        slots=("model", "clip", "conditioning", "text"),
        passes=_same("model", "clip"),
        texts={"conditioning": ("populated_text",), "text": ("populated_text",)},
        loras=LoraInputs(how="tags", name="populated_text"),
    ),
    "ToBasicPipe": NodeRow(slots=("pipe",), passes=_same("model", "clip", "vae", "positive", "negative")),
    "EditBasicPipe": NodeRow(
        slots=("pipe",), passes=_same("model", "clip", "vae", "positive", "negative"), pipe="basic_pipe"
    ),
    "FromBasicPipe": NodeRow(slots=("model", "clip", "vae", "positive", "negative"), pipe="basic_pipe"),
    "FromBasicPipe_v2": NodeRow(slots=("pipe", "model", "clip", "vae", "positive", "negative"), pipe="basic_pipe"),
    "ToDetailerPipe": NodeRow(slots=("pipe",), passes=_same("model", "clip", "vae", "positive", "negative")),
    "FromDetailerPipe": NodeRow(slots=("model", "clip", "vae", "positive", "negative"), pipe="detailer_pipe"),
    "FromDetailerPipe_v2": NodeRow(
        slots=("pipe", "model", "clip", "vae", "positive", "negative"), pipe="detailer_pipe"
    ),
    "DetailerPipeToBasicPipe": NodeRow(slots=("pipe", "pipe"), pipe="detailer_pipe"),
    "ImpactKSamplerBasicPipe": NodeRow(slots=("pipe", "latent", "vae"), pipe="basic_pipe", sampler=_PIPED),
    "ImpactKSamplerAdvancedBasicPipe": NodeRow(
        slots=("pipe", "latent", "vae"),
        pipe="basic_pipe",
        sampler={k: v for k, v in _ADVANCED.items() if k not in {"model", "positive", "negative"}}
        | {"pipe": "basic_pipe"},
    ),
    "ImpactSwitch": NodeRow(switch="input{select}"),
    "LatentSwitch": NodeRow(switch="input{select}"),
    "ImpactInt": _value("value"),
    "ImpactFloat": _value("value"),
    "ImpactNegativeConditioningPlaceholder": NodeRow(slots=("conditioning",), zero=True),
    "ImpactSchedulerAdapter": _value("scheduler"),
    "IterativeLatentUpscale": _latent(note="a further pass over the enlarged picture is not carried over"),
    "IterativeImageUpscale": _image("pixels", note="a further pass over the enlarged picture is not carried over"),
}

_EASY: dict[str, NodeRow] = {
    **_each(("easy fullLoader", "easy a1111Loader", "easy comfyLoader", "easy fluxLoader"), _EASY_LOADER),
    "easy loraStack": NodeRow(
        slots=("stack",),
        stack="optional_lora_stack",
        loras=LoraInputs(
            name="lora_{i}_name",
            switch="toggle",
            modes=(
                "mode",
                {
                    "simple": ("lora_{i}_strength", ""),
                    "advanced": ("lora_{i}_model_strength", "lora_{i}_clip_strength"),
                },
            ),
        ),
    ),
    **_each(
        ("easy preSampling", "easy preSamplingDynamicCFG"),
        NodeRow(slots=("pipe",), pipe="pipe", passes={"latent": "latent"}, sampler=_EASY_SETTINGS),
    ),
    "easy preSamplingAdvanced": NodeRow(
        slots=("pipe",),
        pipe="pipe",
        passes={"latent": "latent"},
        sampler={k: v for k, v in _EASY_SETTINGS.items() if k != "denoise"}
        | {"start": "start_at_step", "end": "end_at_step", "noise": "add_noise"},
    ),
    **_each(
        ("easy kSampler", "easy kSamplerTiled"), NodeRow(slots=("pipe", "image"), pipe="pipe", passes={"image": "pipe"})
    ),
    "easy fullkSampler": NodeRow(slots=("pipe", "image"), pipe="pipe", sampler=_EASY_SETTINGS),
    "easy pipeIn": NodeRow(
        slots=("pipe",),
        pipe="pipe",
        passes={
            "model": "model",
            "positive": "pos",
            "negative": "neg",
            "latent": "latent",
            "clip": "clip",
            "image": "image",
        },
    ),
    "easy pipeOut": NodeRow(
        slots=("pipe", "model", "positive", "negative", "latent", "vae", "clip", "image", "seed"), pipe="pipe"
    ),
    **_each(
        ("easy controlnetLoader", "easy controlnetLoaderADV", "easy controlnetLoader++"),
        NodeRow(slots=("pipe", "positive", "negative"), pipe="pipe", note="a ControlNet is not carried over"),
    ),
    "easy positive": _value("positive"),
    "easy negative": _value("negative"),
    "easy wildcards": NodeRow(values=("text", "text"), template=True),
    "easy seed": NodeRow(values=("seed",), widgets=("seed", "*")),
    "easy string": _value("value"),
    "easy int": _value("value"),
    "easy float": _value("value"),
    "easy promptConcat": NodeRow(texts={"text": ("prompt1", "prompt2")}, text_join="separator"),
    "easy showAnything": NodeRow(switch="anything"),
    "easy anythingIndexSwitch": NodeRow(switch="value{index}"),
}

_OTHERS: dict[str, NodeRow] = {
    "KSampler (WAS)": NodeRow(slots=("latent",), sampler=_KSAMPLER),
    "Seed": _value("seed", "seed", "seed", "seed"),
    **_each(("Lora Loader", "Load Lora", "LoraLoader|pysssss"), _LORA),
    **_each(("Checkpoint Loader (Simple)", "CheckpointLoader|pysssss", "Checkpoint Loader (LoraManager)"), _CHECKPOINT),
    "Checkpoint Loader with Name (Image Saver)": _CHECKPOINT,
    "Constant Number": _value("number", "number", "number"),
    "Number to Seed": _value("number"),
    "Number to Int": _value("number"),
    "Number to Float": _value("number"),
    "Text Multiline": _value("text"),
    "Text Multiline (Code Compatible)": _value("text"),
    "Text String": _value("text", "text_b", "text_c", "text_d"),
    "Text to String": _value("text"),
    "Text to Console": _value("text"),
    "Text to Conditioning": _ENCODER,
    "Text Concatenate": NodeRow(texts={"text": ("text_a", "text_b", "text_c", "text_d")}, text_join="delimiter"),
    "Image Save": NodeRow(saver="images"),
    "ShowText|pysssss": _value("text"),
    "StringFunction|pysssss": NodeRow(texts={"text": ("text_a", "text_b", "text_c")}, text_join="tidy_tags"),
    "ReroutePrimitive|pysssss": NodeRow(switch="value"),
    "CR LoRA Stack": NodeRow(
        slots=("stack",),
        stack="lora_stack",
        loras=LoraInputs(
            name="lora_name_{i}", denoiser="model_weight_{i}", text="clip_weight_{i}", switch="switch_{i}"
        ),
    ),
    **_each(("DPRandomGenerator", "DPCombinatorialGenerator"), NodeRow(values=("text",), template=True)),
    **_each(
        ("LoraLoaderBlockWeight //Inspire", "XY Input: Lora Block Weight //Inspire"),
        NodeRow(
            slots=("model", "clip", "text"),
            passes=_same("model", "clip"),
            loras=LoraInputs(),
            note="block weights of a LoRA are not carried over",
        ),
    ),
    "LoraTagLoader": NodeRow(
        slots=("model", "clip", "text"), passes=_same("model", "clip"), loras=LoraInputs(how="tags", name="text")
    ),
    "NunchakuFluxDiTLoader": NodeRow(slots=("model",), model="model_path"),
    "NunchakuFluxLoraLoader": NodeRow(
        slots=("model",),
        passes=_same("model"),
        loras=LoraInputs(denoiser="lora_strength", text="0"),
    ),
    "CR Apply LoRA Stack": NodeRow(slots=("model", "clip"), passes=_same("model", "clip"), stack="lora_stack"),
    "CR Load LoRA": NodeRow(slots=("model", "clip"), passes=_same("model", "clip"), loras=LoraInputs(switch="switch")),
    "CR Seed": _value("seed"),
    "CR Prompt Text": _value("prompt"),
    "CR Text": _value("text"),
    "CR Integer": _value("value"),
    "CR Float": _value("value"),
    "CR Combine Prompt": NodeRow(texts={"text": ("part1", "part2", "part3", "part4")}, text_join="separator"),
    **_each(
        ("CR SDXL Aspect Ratio", "CR SD1.5 Aspect Ratio"),
        NodeRow(slots=("width", "height", "upscale", "batch", "latent"), size=("width", "height", "aspect_ratio")),
    ),
    "CR Aspect Ratio": NodeRow(
        slots=("width", "height", "upscale", "prescale", "batch", "latent"), size=("width", "height", "aspect_ratio")
    ),
    "CR VAE Decode": NodeRow(slots=("image",), passes={"latent": "samples"}),
    "INTConstant": _value("value"),
    "FloatConstant": _value("value"),
    "StringConstant": _value("string"),
    "StringConstantMultiline": _value("string", widgets=("string", "strip_newlines")),
    "JoinStrings": NodeRow(texts={"text": ("string1", "string2")}, text_join="delimiter"),
    "EmptyLatentImagePresets": NodeRow(slots=("latent", "width", "height"), size=("dimensions",)),
    "SDXLEmptyLatentSizePicker+": NodeRow(
        slots=("latent", "width", "height"), size=("width_override", "height_override", "resolution")
    ),
    **_each(
        ("Image Saver", "Image Saver Simple", "SaveImageWithMetaData", "Save Image w/Metadata"), NodeRow(saver="images")
    ),
    **_each(
        ("Save Image (LoraManager)", "easy imageSave", "Save image with extra metadata [Crystools]"),
        NodeRow(saver="images"),
    ),
    "SaveImage|pysssss": NodeRow(saver="images"),
    "Image Comparer (rgthree)": NodeRow(saver="image_a", preview=True),
    "Seed Generator (Image Saver)": _value("seed"),
    "Seed Generator": _value("seed"),
    **_each(("String Literal (Image Saver)", "String Literal"), _value("string")),
    **_each(("Int Literal (Image Saver)", "Int Literal"), _value("int")),
    **_each(("Float Literal (Image Saver)", "Float Literal"), _value("float")),
    **_each(("Cfg Literal (Image Saver)", "Cfg Literal"), _value("cfg")),
    **_each(("Width/Height Literal (Image Saver)", "Width/Height Literal"), _value("size")),
    **_each(("Sampler Selector (Image Saver)", "Sampler Selector"), _value("sampler_name", "sampler_name")),
    **_each(("Scheduler Selector (Image Saver)", "Scheduler Selector"), _value("scheduler", "scheduler")),
    "Input Parameters (Image Saver)": _value("seed", "steps", "cfg", "sampler", "scheduler", "denoise"),
    **_each(
        ("Lora Loader (LoraManager)", "LoRA Text Loader (LoraManager)"),
        NodeRow(
            slots=("model", "clip"), passes=_same("model", "clip"), loras=LoraInputs(how="manager"), stack="lora_stack"
        ),
    ),
    "Lora Stacker (LoraManager)": NodeRow(slots=("stack",), loras=LoraInputs(how="manager"), stack="lora_stack"),
    "Prompt (LoraManager)": NodeRow(
        slots=("conditioning", "text"),
        passes={"clip": "clip"},
        texts={"conditioning": ("text",), "text": ("text",)},
        added="trigger_words",
        widgets=("text",),
    ),
    "SimpleMathInt+": _value("value"),
    "SimpleMathFloat+": _value("value"),
    "CLIPTextEncodeSDXL+": _ENCODER,
    **_each(
        (
            "BNK_CLIPTextEncodeAdvanced",
            "smZ CLIPTextEncode",
            "PCLazyTextEncode",
            "CLIPTextEncodeA1111",
            "CLIP Text Encode (Prompt)",
        ),
        _ENCODER,
    ),
    "CLIPTextEncode (NSP)": _ENCODER,
    "PromptExpansion": NodeRow(note="not understood: PromptExpansion added words of its own"),
    "SwarmKSampler": NodeRow(
        slots=("latent",),
        sampler=_ADVANCED,
        widgets=("noise_seed", "*", "steps", "cfg", "sampler_name", "scheduler", "start_at_step", "end_at_step"),
    ),
    "SwarmClipTextEncodeAdvanced": NodeRow(
        slots=("conditioning",), passes={"clip": "clip"}, texts={"conditioning": ("prompt",)}
    ),
    "SwarmSaveImageWS": NodeRow(saver="images"),
}

ROWS: Mapping[str, NodeRow] = MappingProxyType(_CORE | _RGTHREE | _EFFICIENT | _IMPACT | _EASY | _OTHERS)
"""Node class -> what is known of it."""
