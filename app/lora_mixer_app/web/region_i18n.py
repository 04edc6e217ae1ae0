"""What the page says of regions, in English and Chinese: one row a sentence."""

from __future__ import annotations

REGION_WORDS: tuple[tuple[str, str, str], ...] = (
    ("regions", "Regions", "区域"),
    (
        "regions_hint",
        "A part of the picture with a text and LoRAs of its own. Draw it on the picture.",
        "图片的一部分，有自己的提示词和 LoRA。可在图片上绘制。",
    ),
    ("region_rectangle", "Rectangle", "矩形"),
    ("region_brush", "Brush", "画笔"),
    ("region_background", "The rest", "其余部分"),
    ("region_auto", "Found by words", "按词定位"),
    ("region_named", "Region {number}: {name}", "区域 {number}：{name}"),
    ("region_short", "Region {number}", "区域 {number}"),
    ("region_prompt", "What is drawn there; empty: as in the picture", "此处画什么；留空则与整图相同"),
    ("region_negative", "Steer away from; empty: as in the picture", "此处避免什么；留空则与整图相同"),
    ("region_words", "Words of the prompt that mean it", "提示词中指代它的词"),
    ("region_weight", "Weight", "权重"),
    ("region_feather", "Feather", "羽化"),
    ("region_loras", "LoRAs that act here alone", "仅在此处生效的 LoRA"),
    ("region_redraw", "Draw the rectangle anew", "重新绘制矩形"),
    ("region_paint", "Paint it with the brush", "用画笔涂绘"),
    ("region_remove", "Remove the region", "移除区域"),
    ("region_more", "More of the region", "区域的更多设置"),
    ("region_outlines", "Show on the picture", "在图片上显示"),
    ("region_painted", "painted", "手绘"),
    (
        "region_draw",
        "Drag on the picture. Enter takes a half that is free, Esc ends.",
        "在图片上拖动绘制；按回车取空着的一半，按 Esc 结束。",
    ),
    (
        "region_move",
        "Region {number}: {name}. Arrow keys move it, Shift and arrows its right and lower edge.",
        "区域 {number}：{name}。方向键移动，Shift 加方向键移动右边和下边。",
    ),
    ("region_new", "A new region", "新区域"),
    (
        "places_found",
        "{count} places were found in this picture.",
        "此图中找到了 {count} 个位置。",
    ),
    ("places_edit", "Edit them", "编辑"),
)
