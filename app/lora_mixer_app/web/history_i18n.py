"""What the history and the pictures shown large say: rows of `web.i18n`."""

from __future__ import annotations

HISTORY_WORDS: tuple[tuple[str, str, str], ...] = (
    ("lightbox", "Picture, large", "大图"),
    ("lightbox_before", "Picture before", "上一张"),
    ("lightbox_after", "Next picture", "下一张"),
    ("close", "Close", "关闭"),
    ("undo_bin", "Undo", "撤销"),
    (
        "no_chinese_font",
        "This machine has no font for Chinese; some names may show as boxes. Install one (Debian, Ubuntu: fonts-noto-cjk) "
        "and start the browser again.",
        "This machine has no font for Chinese (中文字体); some names may show as boxes. Install one (Debian, Ubuntu: "
        "fonts-noto-cjk) and start the browser again.",
    ),
    ("no_answer", "The server does not answer. Is it still running?", "服务器没有响应。它还在运行吗？"),
    (
        "render_lost",
        "The server lost the picture that was under way, twice. Generate begins it anew.",
        "服务器两次丢失了正在生成的图片。点击“生成”可重新开始。",
    ),
    ("favourite", "Favourite", "收藏"),
    ("unfavourite", "Unfavourite", "取消收藏"),
    ("favourites", "Favourites", "收藏夹"),
    ("filter_lora", "Any LoRA", "所有 LoRA"),
    ("filter_model", "Any model", "所有模型"),
    ("bin", "Bin", "回收站"),
    ("bin_empty", "Nothing in the bin.", "回收站是空的。"),
    ("history_empty", "Nothing was made yet.", "这里还没有图片。"),
    ("history_none", "No picture is like that.", "没有符合条件的图片。"),
    ("history_range", "{first} to {last} of {total} pictures", "第 {first} 到 {last} 张，共 {total} 张"),
    ("pages", "Pages of the history", "历史分页"),
    ("page_before", "Newer", "较新"),
    ("page_after", "Older", "较早"),
    ("choose", "Choose", "选择"),
    ("choose_all", "Choose all", "全选"),
    ("chosen", "{count} chosen", "已选 {count} 张"),
    ("chosen_group", "With the chosen pictures", "对所选图片"),
    ("in_bin", "Pictures in the bin: {count}", "已移入回收站：{count} 张"),
    ("restore", "Restore", "恢复"),
    ("restored", "Pictures restored: {count}", "已恢复：{count} 张"),
    ("destroy", "Delete for good", "永久删除"),
    ("empty_bin", "Empty the bin", "清空回收站"),
    (
        "destroy_ask",
        "Delete {count} pictures for good? This cannot be undone.",
        "永久删除 {count} 张图片？此操作无法撤销。",
    ),
)
"""Key, English, Chinese."""
