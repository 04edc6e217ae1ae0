"""What the page says, in English and Chinese: one row a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr

from lora_mixer.settings import PICTURE, SECOND_PASS
from lora_mixer_app.serving.languages import language_in
from lora_mixer_app.web.choice_i18n import value_in_chinese
from lora_mixer_app.web.history_i18n import HISTORY_WORDS
from lora_mixer_app.web.mixing_i18n import MIXING_WORDS
from lora_mixer_app.web.pane_i18n import PANE_WORDS
from lora_mixer_app.web.region_i18n import REGION_WORDS
from lora_mixer_app.web.tab_i18n import TAB_WORDS
from lora_mixer_app.web.train_i18n import TRAIN_WORDS


class Message(NamedTuple):
    """A row of the table; `{name}` is filled in."""

    key: str
    english: str
    chinese: str


def _bare(label: str) -> str:
    """Return a control's label without what it says in brackets of the control.

    >>> _bare("Seed (-1: random)")
    'Seed'
    """
    return re.split(r"\s*[(（]", label, maxsplit=1)[0]


def _controls() -> Iterator[Message]:
    """Yield what the page calls each setting that it shows."""
    for prefix, table in (("", PICTURE), ("hires_", SECOND_PASS)):
        yield from (
            Message(prefix + row.name, row.control.english, row.control.chinese) for row in table if row.control
        )


def _varying() -> Iterator[Message]:
    """Yield what the sheet tab calls each setting that may vary."""
    for prefix, table in (("", PICTURE), ("hires_", SECOND_PASS)):
        for row in table:
            if row.axis and row.control:
                yield Message(f"vary_{prefix}{row.name}", _bare(row.control.english), _bare(row.control.chinese))


WORDS: tuple[Message, ...] = (
    Message("desk", "Desk", "调音台"),
    Message("prompt_hint", "What to draw. <lora:name:0.8> adds a LoRA.", "画什么？<lora:名称:0.8> 可添加 LoRA。"),
    Message("add", "Add a LoRA", "添加 LoRA"),
    Message("order", "The order of LoRAs changes nothing.", "LoRA 的先后顺序不影响结果。"),
    Message("browse", "Browse LoRAs", "浏览 LoRA"),
    Message("loras", "LoRAs", "LoRA 列表"),
    Message("search", "Search", "搜索"),
    Message("folder", "Folder", "文件夹"),
    Message("all_folders", "all folders", "全部目录"),
    Message(
        "no_strips",
        "No LoRA yet: add one above, or type its tag into the prompt.",
        "还没有 LoRA：在上方添加，或在提示词中输入标签。",
    ),
    Message("solo", "Solo", "独奏"),
    Message("remove", "Remove", "移除"),
    Message("words", "Trained words (click to insert)", "训练词（点击插入）"),
    Message("details", "Text encoder, blocks, steps, mask", "文本编码器、分层、步数、蒙版"),
    Message("split", "Separate text encoder", "单独设置文本编码器"),
    Message("no_texts", "Does nothing: this LoRA has no text-encoder part.", "无效：此 LoRA 没有文本编码器部分。"),
    Message("te", "Text encoder", "文本编码器强度"),
    Message("blocks", "Block weights", "分层权重"),
    Message("curve", "Over the steps", "随步数变化"),
    Message("mask", "Only inside a rectangle", "仅在矩形区域内生效"),
    Message("left", "Left", "左"),
    Message("right", "Right", "右"),
    Message("top", "Top", "上"),
    Message("bottom", "Bottom", "下"),
    Message("mixes", "Saved mixes", "已保存的混音"),
    Message("saved", "Saved", "已保存"),
    Message("mix_name", "Name", "名称"),
    Message("load", "Load", "载入"),
    Message("save", "Save", "保存"),
    Message("rename", "Rename", "重命名"),
    Message("share", "Share (.toml)", "分享（.toml）"),
    Message("take_in", "Open file", "打开文件"),
    Message("model", "Model", "模型"),
    Message("opening", "Opening {name} …", "正在打开 {name} …"),
    Message("more", "Sampler, size, presets", "采样器、尺寸、预设"),
    Message("advanced", "Advanced: variation, guidance", "高级：变体、引导"),
    Message("as_first", "as the first pass", "与首次相同"),
    Message("not_for_model", "does nothing for this model", "对此模型无效"),
    Message("generate", "Generate", "生成"),
    Message("cancel", "Cancel", "取消"),
    Message("live", "Live rendering", "实时渲染"),
    Message("picture", "Picture", "图片"),
    Message("empty", "Press Generate (Ctrl+Enter). Esc cancels.", "点击“生成”（Ctrl+Enter），Esc 取消。"),
    Message("record", "How it was made", "生成信息"),
    Message("use", "Use these settings", "使用这些设置"),
    Message("pin", "Pin", "置顶"),
    Message("unpin", "Unpin", "取消置顶"),
    Message("download", "Download", "下载"),
    Message("delete", "Delete", "删除"),
    Message("compare_with", "Compare with this", "与此图对比"),
    Message("compare", "Compare", "对比"),
    Message("history", "History", "历史"),
    Message("history_hint", "Search prompts, LoRAs, seeds", "搜索提示词、LoRA、种子"),
    Message("gone", "That picture is gone.", "该图片已不存在。"),
    Message("choose_first", "Choose a picture first.", "请先选择一张图片。"),
    Message("deleted", "Deleted.", "已删除。"),
    Message("cancelled", "Cancelled", "已取消"),
    Message("waiting", "Waiting for the model, {ahead} ahead", "等待模型，前面还有 {ahead} 个任务"),
    Message("done", "Seed {seed}, {seconds} s", "种子 {seed}，{seconds} 秒"),
    Message("switch_on", "Switch on", "启用"),
    Message("switch_off", "Switch off", "停用"),
    Message("more_of_strip", "More", "更多"),
    Message("slider_of", "range slider for {name}", "{name} 的滑块"),
    Message("convert", "Make a strip of this tag", "将此标签转为推子"),
    Message("tag_of_prompt", "A tag of the prompt", "提示词中的标签"),
    Message("moves", "moves {percent} %", "改变 {percent} %"),
    Message("does_nothing", "does nothing", "无效果"),
    Message("burns", "so strong that pictures burn", "过强，画面可能崩坏"),
    Message("up", "Up", "上移"),
    Message("down", "Down", "下移"),
    Message("duplicate", "Duplicate", "复制一份"),
    Message("no_lora", "There is no LoRA called {name}.", "没有名为 {name} 的 LoRA。"),
    Message("embedding", "embedding", "嵌入"),
    Message("wildcard", "wildcard", "通配符"),
    Message("trained_word", "trained word", "训练词"),
    Message("copy", "Copy as TOML", "复制为 TOML"),
    Message("paste", "Paste TOML", "粘贴 TOML"),
    Message("copy_prompt", "Copy as prompt", "复制为提示词"),
    Message("copied", "Copied.", "已复制。"),
    Message("pad", "Mix pad", "混音板"),
    Message("pad_hint", "Drag the dot between two to four strips.", "在两到四条推子之间拖动圆点。"),
    Message("pad_strips", "Strips at the corners", "将推子放到四角"),
    Message("pad_mixes", "Saved mixes at the corners", "将已保存的混音放到四角"),
    Message(
        "pad_choose",
        "Choose two to four saved mixes (Ctrl and click).",
        "请选择两到四个已保存的混音（按住 Ctrl 点击）。",
    ),
    Message("pad_off", "Put away", "收起"),
    Message("pad_dot", "Mix", "混合"),
    Message("progress", "Progress", "进度"),
    Message("beginning", "Beginning …", "即将开始 …"),
    Message("endless", "Endless", "连续生成"),
    Message("endless_hint", "Until Cancel; follows what you change.", "直到取消，并跟随你的修改。"),
    Message("pictures_count", "Pictures of one Generate", "每次生成的张数"),
    Message(
        "pictures_count_hint",
        "Pictures of one Generate, all with the settings it was pressed for.",
        "每次生成的张数，全部使用点击生成时的设置。",
    ),
    Message(
        "series_older",
        "This series keeps the settings it began with; what you change is for the next.",
        "本批图片沿用点击生成时的设置，当前的修改用于下一次生成。",
    ),
    Message(
        "goes_on",
        "Pictures go on with the last settings that could be used.",
        "继续使用上一次可用的设置生成。",
    ),
    Message("undo", "Undo (Ctrl+Z)", "撤销（Ctrl+Z）"),
    Message("redo", "Redo (Ctrl+Shift+Z)", "重做（Ctrl+Shift+Z）"),
    Message("seed_short", "Seed", "种子"),
    Message("seed_of", "Seed {seed}: {prompt}", "种子 {seed}：{prompt}"),
    Message("colon", "{name}: {value}", "{name}：{value}"),
    Message("comma", ", ", "，"),
    Message("seed_dice", "Another seed each time (-1)", "每次随机（-1）"),
    Message("seed_lock", "Keep the noise of the picture on the screen", "锁定当前图片的噪声"),
    Message("seed_reuse", "Take the seed of the picture on the screen", "使用当前图片的种子"),
    Message("seed_wrong", "A whole number from -1 to 4294967295.", "请输入 -1 至 4294967295 的整数。"),
    Message("number_wrong", "A number from {low} to {high}.", "请输入 {low} 至 {high} 的数字。"),
    Message("whole_wrong", "A whole number from {low} to {high}.", "请输入 {low} 至 {high} 的整数。"),
    Message("no_preset", "none", "无"),
    Message("eta_left", "{sampler} takes no eta: it is left out.", "{sampler} 不支持 eta，已略去。"),
    Message(
        "schedule_left",
        "{sampler} does not take the schedule {value}: it takes its own.",
        "{sampler} 不支持调度类型 {value}，改用自带的调度类型。",
    ),
    Message("hires_fold", "Hires fix: a second, larger pass", "高清修复：放大后再绘制一次"),
    Message("step", "Step {step} of {steps}, {left} s left", "第 {step}/{steps} 步，剩余 {left} 秒"),
    Message("unfit", "{name} does not fit this model: {reason}", "{name} 不适用于当前模型：{reason}"),
    *_controls(),
    *_varying(),
    *(Message(*row) for row in (*TAB_WORDS, *HISTORY_WORDS, *PANE_WORDS, *REGION_WORDS, *MIXING_WORDS, *TRAIN_WORDS)),
)

_BY_KEY = {word.key: word for word in WORDS}
_SETTINGS = {word.key: word for word in _controls()}
_OURS = "lora_mixer_"  # Gradio has sentences of its own under short keys
_ENGLISH = {_OURS + word.key: word.english for word in WORDS} | {
    "upload_text.drop_file": "Drop a picture here",  # the only file that is asked for in Gradio's own way is one
    "upload_text.click_to_upload": "Choose one",
}
_CHINESE = {_OURS + word.key: word.chinese for word in WORDS} | {
    "upload_text.drop_file": "将图片拖放到此处",
    "upload_text.click_to_upload": "点击选择图片",
    "common.complete": "完成",  # which Gradio lacks
}

I18N = gr.I18n(**{"en": _ENGLISH, "zh": _CHINESE, "zh-CN": _CHINESE, "zh-TW": _CHINESE})
"""For `launch`: a browser's language falls back to its first half, then to English."""


def word(key: str) -> Any:  # noqa: ANN401 `I18nData`, which the hints of some components leave out
    """Return a sentence of the table, as the browser fills it in."""
    return I18N(_OURS + _BY_KEY[key].key)


def chinese_name(setting: str) -> str | None:
    """Return what the page calls a setting in Chinese, by its name or that of its axis; None where it is none.

    >>> chinese_name("steps"), chinese_name("ink")
    ('步数', None)
    """
    row = _SETTINGS.get(setting.replace(" ", "_"))
    return _bare(row.chinese) if row else None


def label(request: gr.Request, name: str) -> str:
    """Return what the page calls a setting or a fact of a picture, to who reads Chinese; to others its own name."""
    row = _BY_KEY.get(f"info_{name}") or _BY_KEY.get(name.replace(" ", "_"))
    return _bare(row.chinese) if row and language_in(request.headers) == "zh" else name


def value_said(request: gr.Request, setting: str, value: str) -> str:
    """Return what the page calls a value that is chosen from a list, to who reads Chinese; to others its own name."""
    return value_in_chinese(setting, value) if language_in(request.headers) == "zh" else value


def said(request: gr.Request, key: str, **values: object) -> str:
    """Return a sentence of the table in the language of who asks, for what is said from here."""
    row = _BY_KEY[key]
    return (row.chinese if language_in(request.headers) == "zh" else row.english).format(**values)
