"""What pictures, masks, regions, animations, and what is written beside them are refused for."""

from __future__ import annotations

SENTENCES: tuple[tuple[str, str], ...] = (
    # reading
    ("this is not a readable picture", "这不是可读取的图片"),
    ("PNG, JPEG, WebP and AVIF are read.", "支持 PNG、JPEG、WebP 和 AVIF。"),
    ("Read are {}.", "支持 {}。"),
    ("the PNG's header has the wrong length", "PNG 文件头长度有误"),
    ("Use another copy.", "请使用另一份副本。"),
    ("the PNG says it is {}x{}", "PNG 声明其大小为 {}x{}"),
    ("Sides go from 1 to {}.", "边长为 1 到 {}。"),
    ("the PNG ends in the middle of a chunk", "PNG 在数据块中间结束"),
    ("Copy the file again.", "请重新复制文件。"),
    ("a picture of {} x {} pixels is too large here", "{} x {} 像素的图片太大"),
    ("Use at most {} pixels and {} a side.", "最多 {} 像素，边长最多 {}。"),
    ("the input picture has changed: its digest is {}, was {}", "输入图片已改变：其摘要为 {}，原为 {}"),
    ("Restore the earlier file, or ask anew for pictures of this one.", "请恢复原来的文件，或用此图重新生成。"),
    ("the input picture {} is not here", "输入图片 {} 不在此处"),
    (
        "Give the file itself: `--with FILE`, or files=[...] in Python.",
        "请给出文件本身：`--with FILE`，或 Python 中的 files=[...]。",
    ),
    ("the input picture cannot be read: {}", "无法读取输入图片：{:zh}"),
    ("the record is damaged: {}", "生成记录已损坏：{}"),
    ("Use another copy of the picture.", "请使用图片的另一份副本。"),
    ("the record says {}", "生成记录中写着 {}"),
    (
        "It was changed after this program wrote it; `lora-mixer info` still reads its settings.",
        "它在本程序写出之后被改动过；`lora-mixer info` 仍可读取其设置。",
    ),
    ("the picture has no settings", "图片中没有生成设置"),
    ("the mask {} is not here (sha256 {})", "蒙版 {} 不在此处（sha256 {}）"),
    ("the init picture {} is not here (sha256 {})", "初始图片 {} 不在此处（sha256 {}）"),
    (
        "Put it beside the picture, or give the file itself: `--with FILE`, or files=[...] in Python.",
        "请放到图片旁边，或给出文件本身：`--with FILE`，或 Python 中的 files=[...]。",
    ),
    (
        "the LoRA is masked by the picture {}, which is not opened at a path that a record names (sha256 {})",
        "该 LoRA 以图片 {} 为蒙版，不会按记录中的路径打开（sha256 {}）",
    ),
    (
        "the LoRA is masked by the picture {}, which is not opened at a path that a record names",
        "该 LoRA 以图片 {} 为蒙版，不会按记录中的路径打开",
    ),
    # writing
    ("pictures cannot be written as a file without ending", "图片不能写成没有扩展名的文件"),
    ("pictures cannot be written as {}", "图片不能写成 {}"),
    ("the record takes {} bytes, and this format has room for {}", "生成记录有 {} 字节，而此格式只能容纳 {} 字节"),
    ("Save the picture as .png.", "请将图片保存为 .png。"),
    ("a file stands where the folder should be", "应为文件夹的位置有一个文件"),
    ("cannot be made: {}", "无法创建：{}"),
    ("Name another folder.", "请指定其他文件夹。"),
    ("cannot be written: {}", "无法写入：{}"),
    ("{} is no animation", "{} 不是动画"),
    ("{} pictures at {} a second make no animation", "{} 张图片、每秒 {} 帧无法构成动画"),
    (
        "Take pictures of one size, and more than 0 to {} a second.",
        "请使用同样大小的图片，帧率大于 0 且不超过每秒 {} 帧。",
    ),
    ("MP4 is written by PyAV, which is not installed", "写入 MP4 需要 PyAV，尚未安装"),
    ("Run `pip install av`, or write a .webp or .gif.", "请运行 `pip install av`，或写成 .webp 或 .gif。"),
    # masks
    ("the mask cannot be read: {}", "无法读取蒙版：{:zh}"),
    ("the mask covers nothing, so nothing would be drawn anew", "蒙版没有覆盖任何区域，因此不会重绘"),
    (
        "Paint white what is to be drawn anew, or take the mask mode `{}`.",
        "请将要重绘的部分涂成白色，或使用蒙版模式 `{}`。",
    ),
    ("this is no drawn mask: {}", "这不是绘制的蒙版：{:zh}"),
    (
        "Write data:image/png;base64,... with a grey PNG, a few hundred pixels wide.",
        "请写 data:image/png;base64,...，内容为宽几百像素的灰度 PNG。",
    ),
    ("it is no PNG", "它不是 PNG"),
    ("it has more than {} KiB", "它超过 {} KiB"),
    ("it is no base64", "它不是 base64"),
    ("the mask ({}, {}, {}, {}) is no part of the picture", "蒙版 ({}, {}, {}, {}) 不是图片的一部分"),
    (
        "Give left < right and top < bottom as fractions from 0 to 1.",
        "请以 0 到 1 的小数给出 左 < 右 和 上 < 下。",
    ),
    ("masks cannot be named by path here", "此处不能按路径指定蒙版"),
    ("Send the mask itself, as a data URL.", "请发送蒙版本身（data URL）。"),
    ("pictures may not be named by path here", "此处不能按路径指定图片"),
    ("Send the picture itself.", "请发送图片本身。"),
    (
        "Give a rectangle: its left, top, right and bottom as fractions.",
        "请给出矩形：以小数表示的左、上、右、下。",
    ),
    # regions
    ("the {} of a region is {}", "区域的 {} 为 {}"),
    ("a region without a mask has no words it could be found by", "没有蒙版的区域也没有可用来定位的词"),
    (
        "Give its mask, or the words of the prompt that mean what is in it.",
        "请给出其蒙版，或提示词中表示其内容的词。",
    ),
    ("the mask of a region is a picture's path, which a text cannot hold", "区域的蒙版是图片路径，无法写入文本"),
    ("Draw it, or give a rectangle.", "请绘制它，或给出矩形。"),
    ("the LoRAs of a region: {}", "区域的 LoRA：{}"),
    (
        'Write for example Region("cat", mask=(0, 0, 0.5, 1), loras={"line_art": 0.8}).',
        '例如 Region("cat", mask=(0, 0, 0.5, 1), loras={{"line_art": 0.8}})。',
    ),
    (
        "the words {}, by which a place is to be found, do not stand in the prompt",
        "用来定位的词 {} 不在提示词中",
    ),
    ("Write them there, give the region other words, or a mask.", "请写入提示词，或为区域换用其他词，或给出蒙版。"),
)
