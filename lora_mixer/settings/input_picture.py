"""The settings of a picture that a render starts from (image to image), and of what is drawn anew of it (inpainting)."""

from __future__ import annotations

from lora_mixer.choices.inputs import (
    INPAINT_AREAS,
    JUST_RESIZE,
    MASK_MODES,
    MASKED,
    MASKED_CONTENTS,
    ORIGINAL,
    RESIZE_MODES,
    WHOLE_PICTURE,
    find_inpaint_area,
    find_mask_mode,
    find_masked_content,
    find_resize_mode,
)
from lora_mixer.settings.kinds import Real, TableName, Whole
from lora_mixer.settings.setting import PageControl, Setting
from lora_mixer.settings.structured_kinds import PictureValue

INPUT_PICTURE = (
    Setting(
        name="init",
        kind=PictureValue(),
        help="A picture to start from, with noise on it (image to image); without a size, it says the size.",
        spoken="init picture",
        optional=True,
        elsewhere=("image", "init_image", "init_images", "input_image"),
        in_models_file=False,
        axis=False,
    ),
    Setting(
        name="mask",
        kind=PictureValue(),
        help="What of that picture is drawn anew (inpainting): white is, black and transparent are kept.",
        optional=True,
        elsewhere=("mask_image",),
        in_models_file=False,
        axis=False,
    ),
    Setting(
        name="denoise",
        kind=Real(low=0, high=1, above=True),
        help="How much of the init picture is drawn anew: that share of the steps is taken; 0.75 if left out.",
        default=0.75,
        optional=True,
        infotext="Denoising strength",
        infotext_always=True,
        elsewhere=("strength", "denoising_strength"),
        in_models_file=False,
        control=PageControl("Denoise (how much is drawn anew)", "重绘幅度", "start", low=0.01, step=0.01, slider=True),
    ),
    Setting(
        name="resize_mode",
        kind=TableName(what="resize mode", names=tuple(RESIZE_MODES), find=find_resize_mode, canonical=True),
        help="How the init picture is brought to the size.",
        default=JUST_RESIZE,
        optional=True,
        in_models_file=False,
        axis=False,
        control=PageControl("Bring it to the size by", "缩放方式", "start"),
    ),
    Setting(
        name="mask_blur",
        kind=Whole(low=0, high=256, unit="pixels"),
        help="How softly what is drawn anew goes over into what is kept.",
        default=4,
        optional=True,
        infotext="Mask blur",
        infotext_always=True,
        in_models_file=False,
        control=PageControl("Feather of the mask, px", "蒙版羽化 px", "mask", high=64, step=1, slider=True),
    ),
    Setting(
        name="mask_mode",
        kind=TableName(what="mask mode", names=tuple(MASK_MODES), find=find_mask_mode, canonical=True),
        help="Whether what the mask covers is drawn anew, or all else.",
        default=MASKED,
        optional=True,
        infotext="Mask mode",
        infotext_as=str.capitalize,
        in_models_file=False,
        axis=False,
        control=PageControl("Draw anew what is", "重绘区域", "mask"),
    ),
    Setting(
        name="masked_content",
        kind=TableName(what="masked content", names=tuple(MASKED_CONTENTS), find=find_masked_content, canonical=True),
        help="What lies under the mask before noise is put on it.",
        default=ORIGINAL,
        optional=True,
        infotext="Masked content",
        elsewhere=("inpainting_fill",),
        in_models_file=False,
        control=PageControl("Under the mask lies", "蒙版内容", "mask"),
    ),
    Setting(
        name="inpaint_area",
        kind=TableName(what="inpaint area", names=tuple(INPAINT_AREAS), find=find_inpaint_area, canonical=True),
        help="Whether the whole picture is drawn at the size, or only the part around the mask, which is put back.",
        default=WHOLE_PICTURE,
        optional=True,
        infotext="Inpaint area",
        infotext_as=str.capitalize,
        in_models_file=False,
        axis=False,
        control=PageControl("Inpaint area", "重绘范围", "mask"),
    ),
    Setting(
        name="inpaint_padding",
        kind=Whole(low=0, high=1024, unit="pixels"),
        help="How many pixels around the mask belong to that part.",
        default=32,
        optional=True,
        infotext="Masked area padding",
        infotext_always=True,
        elsewhere=("padding_mask_crop", "inpaint_full_res_padding"),
        in_models_file=False,
        control=PageControl("Padding around the mask, px", "蒙版边距 px", "mask"),
    ),
)
START = tuple(row.name for row in INPUT_PICTURE)
"""The names of these settings."""
MASKING = ("mask_blur", "mask_mode", "masked_content", "inpaint_area")
"""Those that are said where there is a mask."""
