"""The settings of a second pass over the enlarged picture (hires fix), one row each."""

from __future__ import annotations

from lora_mixer.choices import (
    AUTOMATIC,
    SAMPLERS,
    SCHEDULES,
    UPSCALERS,
    find_picture_upscaler,
    find_sampler,
    find_schedule,
    find_upscaler,
)
from lora_mixer.settings.kinds import Real, TableName, TextValue, Whole
from lora_mixer.settings.limits import MAX_CFG, MAX_LETTERS, MAX_SIDE, MAX_STEPS
from lora_mixer.settings.setting import PageControl, Setting, Since, Table

SIDE = Whole(low=8, high=MAX_SIDE, multiple_of=8, unit="pixels")
SAMPLER = TableName(what="sampler", names=tuple(row.name for row in SAMPLERS), find=find_sampler)
SCHEDULE = TableName(what="schedule", names=(AUTOMATIC, *SCHEDULES), find=find_schedule)
FILES = "a file in an upscalers folder"
UPSCALER = TableName(what="upscaler", names=tuple(row.name for row in UPSCALERS), find=find_upscaler, beyond=FILES)
PICTURE_UPSCALER = TableName(
    what="upscaler",
    names=tuple(row.name for row in UPSCALERS if not row.latent),
    find=find_picture_upscaler,
    beyond=FILES,
)

SECOND_PASS = Table(
    (
        Setting(
            name="scale",
            kind=Real(low=0.125, high=16),
            help="How many times as wide and high the picture becomes.",
            default=2.0,
            optional=True,
            instead_of=("width", "height"),
            infotext="Hires upscale",
            infotext_always=True,
            control=PageControl("Hires: scale", "高清：放大倍数", "second", low=1, high=4, step=0.05, slider=True),
            since=Since.RECORDS,
        ),
        Setting(
            name="width",
            kind=SIDE,
            help="Its width in pixels; with one side the other follows, with both a picture of another shape is cut.",
            instead_of=("scale",),
            axis=False,
            since=Since.RECORDS,
        ),
        Setting(
            name="height",
            kind=SIDE,
            help="Its height in pixels.",
            instead_of=("scale",),
            axis=False,
            since=Since.RECORDS,
        ),
        Setting(
            name="upscaler",
            kind=UPSCALER,
            help="How it is enlarged: `Latent` ones enlarge the latents, the others the decoded picture; a file of an "
            "upscalers folder is named as A1111 does, or by its name.",
            default=UPSCALERS[0].name,
            infotext="Hires upscaler",
            infotext_always=True,
            plural="upscalers",
            control=PageControl("Hires: upscaler", "高清：放大算法", "second"),
            since=Since.RECORDS,
        ),
        Setting(
            name="steps",
            kind=Whole(low=1, high=MAX_STEPS, open=0),
            help="Steps that are taken, whatever the denoise; 0 takes as many as the first pass.",
            infotext="Hires steps",
            infotext_always=True,
            control=PageControl(
                "Hires: steps (0: as first)", "高清：步数（0：与首次相同）", "second", shows=0, leaves_open=True
            ),
            since=Since.RECORDS,
        ),
        Setting(
            name="denoise",
            kind=Real(low=0, high=1, above=True),
            help="How much of the picture is drawn anew; latent upscalers want 0.5 or more.",
            default=0.7,
            infotext="Denoising strength",
            infotext_always=True,
            control=PageControl("Hires: denoise", "高清：重绘幅度", "second", low=0.05, high=1, step=0.05, slider=True),
            since=Since.RECORDS,
        ),
        Setting(
            name="sampler",
            kind=SAMPLER,
            help="Its sampler; the first pass's if left out.",
            infotext="Hires sampler",
            axis=False,
            control=PageControl("Hires: sampler", "高清：采样器", "second", shows="", leaves_open=True, first=True),
            since=Since.RECORDS,
        ),
        Setting(
            name="schedule",
            kind=SCHEDULE,
            help="Its schedule; the first pass's if left out, where the sampler takes that.",
            infotext="Hires schedule type",
            axis=False,
            control=PageControl("Hires: schedule", "高清：调度类型", "second", shows="", leaves_open=True, first=True),
            since=Since.RECORDS,
        ),
        Setting(
            name="cfg",
            kind=Real(low=0, high=MAX_CFG),
            help="How strongly its prompt guides; as in the first pass if left out.",
            infotext="Hires CFG Scale",
            control=PageControl(
                "Hires: CFG (0: as first)",
                "高清：CFG 引导系数（0：与首次相同）",
                "second",
                shows=0,
                leaves_open=True,
                step=0.5,
            ),
            since=Since.RECORDS,
        ),
        Setting(
            name="prompt",
            kind=TextValue(longest=MAX_LETTERS),
            help="Its prompt, with LoRA tags of its own; the first pass's if left out.",
            optional=True,
            infotext="Hires prompt",
            axis=False,
            control=PageControl(
                "Hires: prompt (or the same)", "高清：提示词（空：相同）", "second", shows="", leaves_open=True
            ),
            since=Since.LEDGERS,
        ),
        Setting(
            name="negative",
            kind=TextValue(longest=MAX_LETTERS),
            help="Its negative prompt; the first pass's if left out.",
            spoken="negative prompt",
            optional=True,
            infotext="Hires negative prompt",
            axis=False,
            control=PageControl(
                "Hires: negative (or the same)", "高清：反向提示词（空：相同）", "second", shows="", leaves_open=True
            ),
            since=Since.LEDGERS,
        ),
    ),
    prefix="hires ",
)
