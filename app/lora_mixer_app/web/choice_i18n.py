"""What the page calls values that are chosen from a list, to who reads Chinese; what is not here is called by its own name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

_NETWORKS = {"Nearest": "最近邻", "Model's own": "模型自带"}
_LATENT = {
    "Latent": "潜空间",
    "Latent (antialiased)": "潜空间（抗锯齿）",
    "Latent (bicubic)": "潜空间（双三次）",
    "Latent (bicubic antialiased)": "潜空间（双三次抗锯齿）",
    "Latent (nearest)": "潜空间（最近邻）",
    "Latent (nearest-exact)": "潜空间（精确最近邻）",
}
CHOICES_IN_CHINESE: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "schedule": {"Automatic": "自动"},
        "method": {"the sum": "直接相加", "sum": "直接相加"},
        "balance": {"off": "关闭", "mix": "整个混音", "block": "逐层"},
        "places": {"given": "按指定", "auto": "自动查找"},
        "rng": {"cpu": "CPU", "nv": "NVIDIA 显卡"},
        "upscaler": _NETWORKS | _LATENT,
        "resize_mode": {"just resize": "直接拉伸", "crop and resize": "裁剪后缩放", "resize and fill": "缩放后填充"},
        "mask_mode": {"inpaint masked": "重绘蒙版内", "inpaint not masked": "重绘蒙版外"},
        "masked_content": {
            "fill": "填充",
            "original": "原图",
            "latent noise": "潜空间噪声",
            "latent nothing": "空白潜空间",
        },
        "inpaint_area": {"whole picture": "整张图片", "only masked": "仅蒙版区域"},
        "curve": {
            "always": "始终",
            "fade in": "渐强",
            "fade out": "渐弱",
            "early": "前段",
            "late": "后段",
            "middle": "中段",
        },
    }
)
"""By the name of a setting: its values, in Chinese."""


def in_chinese(setting: str, names: Iterable[str]) -> dict[str, str]:
    """Return what values of a setting are called in Chinese, those that are called otherwise than by their own names.

    >>> in_chinese("balance", ["off", "nothing"])
    {'off': '关闭'}
    """
    called = CHOICES_IN_CHINESE.get(setting, {})
    return {name: called[name] for name in names if name in called}


def value_in_chinese(setting: str, value: str) -> str:
    """Return what a value of a setting is called in Chinese.

    >>> value_in_chinese("schedule", "Automatic"), value_in_chinese("steps", "20")
    ('自动', '20')
    """
    return CHOICES_IN_CHINESE.get(setting.replace(" ", "_"), {}).get(value, value)
