"""What errors say in Chinese: sentences with blanks, matched as a whole, so that what stands in a blank stays as it is."""

from __future__ import annotations

import re
from functools import cache

from lora_mixer import LoraMixerError

SENTENCES: tuple[tuple[str, str], ...] = (
    # numbers, ranges, settings
    ("{} is no number", "{} 不是数字"),
    ("a value is missing", "缺少一个值"),
    (
        "Write 0, 0.5, 1 or a range: 0..1:5 is five values from 0 to 1, 0..1 (+0.25) is steps of 0.25.",
        "请写 0, 0.5, 1，或一个范围：0..1:5 表示从 0 到 1 的五个值，0..1 (+0.25) 表示步长 0.25。",
    ),
    ("{} gives {}, which is not a whole number", "{} 得到 {}，不是整数"),
    (
        "Write whole numbers such as 1, 2, 3 or a range such as 1..10 (+3).",
        "请写整数，如 1, 2, 3，或范围，如 1..10 (+3)。",
    ),
    ("more than {} values on one axis", "一个轴上的值超过 {} 个"),
    ("a range of {} values", "范围包含 {} 个值"),
    ("a range of more than {} values", "范围包含超过 {} 个值"),
    ("{} has a step of 0", "{} 的步长为 0"),
    ("Use fewer.", "请减少数量。"),
    ("Use a larger step.", "请使用更大的步长。"),
    ("Use a step such as (+0.25).", "请使用步长，例如 (+0.25)。"),
    ("Use 1 to {}.", "请使用 1 到 {}。"),
    ("Use {} to {}.", "请使用 {} 到 {}。"),
    ("Use {} or {}.", "请使用 {} 或 {}。"),
    ("Use {} or one of {}.", "请使用 {}，或以下之一：{}。"),
    ("Use one of {}.", "请使用以下之一：{}。"),
    ("Use {}.", "请使用 {}。"),
    ("{} is out of range", "{} 超出范围"),
    ("{} is not a whole number", "{} 不是整数"),
    ("{} is not a multiple of {}", "{} 不是 {} 的倍数"),
    ("{} is not a number", "{} 不是数字"),
    ("Give it as a string.", "请以文本形式给出。"),
    ("there is no {} {}", "没有名为 {1} 的 {0}"),
    ("the sampler {} does not take the schedule {}", "采样器 {} 不支持调度类型 {}"),
    ("the sampler {} takes no eta", "采样器 {} 不使用 eta"),
    ("the sampler {} says {}, the schedule says {}", "采样器 {} 指定了 {}，而调度类型指定了 {}"),
    ("Say one.", "请只指定一个。"),
    ("a denoise of {} is not one of {} steps", "重绘幅度 {} 在 {} 步中不足一步"),
    ("Use {} or more, or more steps.", "请使用 {} 或更大的值，或增加步数。"),
    ("the picture would be {} pixels long", "图片边长将达到 {} 像素"),
    ("the picture is to be enlarged, and no upscaler is said", "要放大图片，但没有指定放大算法"),
    ("hires scale {} is out of range", "高清修复的放大倍数 {} 超出范围"),
    ("Scales are usually from 1.25 to 2.", "放大倍数通常为 1.25 到 2。"),
    # LoRAs, models, prompts
    ("there is no LoRA called {} among {}", "{1} 个 LoRA 中没有名为 {0} 的"),
    ("there is no LoRA called {}", "没有名为 {} 的 LoRA"),
    ("Did you mean {} or {}?", "您是指 {} 还是 {}？"),
    ("Did you mean {}?", "您是指 {} 吗？"),
    ("Known models: {}.", "已知模型：{}。"),
    ("there is no model called {} in models.toml", "models.toml 中没有名为 {} 的模型"),
    ("there is no embedding called {}", "没有名为 {} 的嵌入"),
    ("{} LoRAs are called {}", "有 {} 个 LoRA 名为 {}"),
    ("Say which: {}.", "请指明是哪一个：{}。"),
    ("this adapter cannot be used: {}", "无法使用此 LoRA：{}"),
    ("there is no style {} among {}", "{1} 个样式中没有 {0}"),
    ("there is no upscaler called {}", "没有名为 {} 的放大算法"),
    ("there is no wildcard {}", "没有通配符 {}"),
    ("there is no tag {}", "没有标签 {}"),
    ("{} never ends", "{} 没有结束"),
    ("Put > at its end, as in {}.", "请在末尾加上 >，如 {}。"),
    ("{} is not a weight", "{} 不是权重"),
    (
        "Write it like (word:1.2), or put \\ before the colon if it is text.",
        "请写成 (word:1.2)；如果是普通文本，请在冒号前加 \\。",
    ),
    ("the weight {} is too large", "权重 {} 太大"),
    ("Weights are usually 0 to 2.", "权重通常为 0 到 2。"),
    ("{} in a LoRA tag is not a number", "LoRA 标签中的 {} 不是数字"),
    ("{} in a LoRA tag is too large", "LoRA 标签中的 {} 太大"),
    ("Strengths are usually within -2 to 2.", "强度通常在 -2 到 2 之间。"),
    ("a LoRA tag has no name", "LoRA 标签没有名称"),
    ("a LoRA tag has no argument {}", "LoRA 标签没有参数 {}"),
    ("{} in a LoRA tag is empty", "LoRA 标签中的 {} 为空"),
    ("Write values or a preset's name.", "请填写数值或预设名称。"),
    ("a LoRA tag stops at step {}, before it starts at step {}", "LoRA 标签在第 {} 步停止，早于开始的第 {} 步"),
    ("{} is not a moment to switch at", "{} 不是有效的切换时刻"),
    ("the variable {} is not set", "变量 {} 未设置"),
    ("the prompt has {} characters", "提示词有 {} 个字符"),
    ("{} are the most; was a whole file pasted?", "最多 {} 个；是否粘贴了整个文件？"),
    ("unknown option {}; the nearest is {}", "未知选项 {}；最接近的是 {}"),
    ("a LoRA called {} cannot stand in a prompt", "名为 {} 的 LoRA 不能写入提示词"),
    ("{} has no block {}", "{} 没有分层 {}"),
    ("{} varies no block weight", "{} 没有改变任何分层权重"),
    (
        "{} is no curve over the steps",
        "{} 不是有效的步数曲线",
    ),
    (
        "Choose one of the list, or write factors at fractions of the course (1@0,0@0.5) or steps (3-10).",
        "请从列表中选择，或按进程写系数（1@0,0@0.5），或写步数（3-10）。",
    ),
    ("memory ran out for {} at once", "同时渲染 {} 时内存不足"),
    # pictures, files, mixes, runs
    ("there is no picture", "没有图片"),
    ("Drop one first.", "请先拖入一张。"),
    ("that picture is gone", "该图片已不存在"),
    ("Choose another one.", "请选择另一张。"),
    ("the picture says nothing about how it was made", "图片中没有生成信息"),
    (
        "Programs that convert or shrink pictures often drop it; find the original file.",
        "转换或压缩图片的程序常会丢弃这些信息；请使用原始文件。",
    ),
    ("there is no picture in this place", "此处没有图片"),
    ("Wait until it is finished.", "请等待其完成。"),
    ("the picture cannot be moved ({})", "无法移动图片（{}）"),
    ("the picture cannot be deleted ({})", "无法删除图片（{}）"),
    ("Check the folder.", "请检查文件夹。"),
    ("there is no prompt", "没有提示词"),
    ("Write one a line above, or open a file.", "请在上方每行写一条，或打开文件。"),
    ("there is nothing to render", "没有可渲染的内容"),
    ("no earlier run is chosen", "没有选择先前的任务"),
    ("Choose one of the list.", "请从列表中选择。"),
    ("{} pictures", "{} 张图片"),
    (
        "The page renders {} at most; `lora-mixer render` takes more.",
        "页面最多渲染 {} 张；`lora-mixer render` 可以更多。",
    ),
    ("an axis has no values", "坐标轴没有取值"),
    ("Write them with commas between, or one a line.", "请用逗号分隔，或每行一个。"),
    ("no LoRA is chosen for the axis of strengths", "强度轴没有选择 LoRA"),
    ("Choose one beside it.", "请在旁边选择一个。"),
    ("nothing varies", "没有可变的参数"),
    ("Choose what the columns or rows of the sheet vary.", "请选择列或行要改变的参数。"),
    ("{} are {} pictures", "{} 共 {} 张图片"),
    ("Use at most {}, or a prompt file.", "最多 {} 张，或改用提示词文件。"),
    ("{} stands in no prompt, so nothing can be put in its place", "提示词中没有 {}，无法替换"),
    (
        "The first word of the axis must stand in the prompt or the negative prompt.",
        "坐标轴的第一个词必须出现在提示词或反向提示词中。",
    ),
    ("{} strengths for {} LoRAs", "{1} 个 LoRA 对应 {0} 个强度"),
    ("Write one for all of them, or one for each.", "请填写一个值用于全部，或逐个填写。"),
    ("no LoRA is chosen", "没有选择 LoRA"),
    ("Choose one or more above.", "请在上方选择一个或多个。"),
    ("there is no LoRA in this mix", "此混音中没有 LoRA"),
    ("Switch one on first.", "请先启用一个。"),
    ("there is a mix called {} already", "已有名为 {} 的混音"),
    ("Choose another name.", "请换一个名称。"),
    ("a mix cannot be called {}", "混音不能命名为 {}"),
    ("Use letters, digits and spaces, and begin with one of them.", "请使用字母、数字和空格，并以字母或数字开头。"),
    ("there is no mix called {}", "没有名为 {} 的混音"),
    ("there is no LoRA in this file", "此文件中没有 LoRA"),
    ("Checkpoints go into models.toml, other files elsewhere.", "主模型请写入 models.toml，其他文件请放到别处。"),
    ("there is a file of that name already, and it stays as it is", "已有同名文件，保持不变"),
    ("Rename yours.", "请重命名您的文件。"),
    ("there is no such folder for LoRAs", "没有这样的 LoRA 文件夹"),
    ("there is no room for the file", "磁盘空间不足"),
    ("the file did not come whole", "文件未完整上传"),
    ("Drop it again.", "请重新拖入。"),
    ("the input picture is not here any more", "输入图片已不存在"),
    ("Drop or choose it again.", "请重新拖入或选择。"),
    ("{} of your pictures are waiting already", "您已有 {} 张图片在等待"),
    (
        "Wait until some are done, or cancel some; nobody else is kept waiting by them.",
        "请等待一部分完成，或取消一部分；其他人不受影响。",
    ),
    ("Load the page anew.", "请重新加载页面。"),
    ("this is not a picture", "这不是图片"),
    ("the picture is damaged", "图片已损坏"),
    ("the picture cannot be read", "无法读取图片"),
)
"""English and Chinese. A blank is `{}`; where the order differs, the Chinese says which blank: `{1}`."""


def in_chinese(sentence: str) -> str:
    """Return a sentence of an error in Chinese, or as it is where the table has none.

    >>> in_chinese("'ink' is no number")
    "'ink' 不是数字"
    """
    for pattern, chinese in _patterns():
        if match := pattern.fullmatch(sentence):
            return chinese.format(*match.groups())
    return sentence


def error_text(error: LoraMixerError, language: str) -> str:
    """Return an error as one line, in a language (`en` or `zh`) as far as there are sentences for it."""
    if language != "zh":
        return str(error)
    what = in_chinese(error.what)
    line = f"{error.where}：{what}" if error.where else what
    return f"{line}。{' '.join(map(in_chinese, _parted(error.remedy)))}" if error.remedy else line


def _parted(remedy: str) -> list[str]:
    """Return a remedy whole where the table has it, else its sentences."""
    return [remedy] if in_chinese(remedy) != remedy else re.split(r"(?<=[.?])\s+", remedy)


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the table with the most particular sentences first."""
    rows = sorted(SENTENCES, key=lambda row: len(row[0].replace("{}", "")), reverse=True)
    return tuple((re.compile("(.+?)".join(map(re.escape, english.split("{}"))), re.DOTALL), zh) for english, zh in rows)
