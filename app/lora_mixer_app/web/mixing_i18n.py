"""What the page says of ways to mix: methods, balance, surprises, the search, the pad's grid and films."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

MIXING_WORDS: tuple[tuple[str, str, str], ...] = (
    ("experimental", "{name} (experimental)", "{name}（实验性）"),
    (
        "experimental_why",
        "Not shown to beat the sum here.",
        "尚未证明优于直接相加。",
    ),
    ("balance_now", "Balance", "平衡"),
    (
        "balance_hint",
        "Scales strengths so that LoRAs together change no more than one of them does.",
        "调整强度，使各 LoRA 合在一起的改变不超过其中单个 LoRA 的改变。",
    ),
    ("balance_block", "each block by itself", "逐层平衡"),
    ("balance_mix", "one factor for all", "统一系数"),
    ("balance_how", "How to balance", "平衡方式"),
    (
        "balance_is",
        "Nothing to take away: together they change no more than one does.",
        "无需调整：合计的改变未超过单个 LoRA。",
    ),
    ("balance_few", "Switch two LoRAs on first.", "请先启用两个 LoRA。"),
    ("balance_name", "LoRA", "LoRA"),
    ("balance_before", "before", "之前"),
    ("balance_after", "after", "之后"),
    ("explore", "Surprise and explore", "惊喜与探索"),
    (
        "explore_hint",
        "Mixes of the strips' LoRAs that nobody has thought of, each within its limits.",
        "用推子中的 LoRA 生成意想不到的混音，强度在各自范围内。",
    ),
    ("explore_low", "Least strength of {name}", "{name} 的最小强度"),
    ("explore_high", "Greatest strength of {name}", "{name} 的最大强度"),
    ("explore_most", "LoRAs of a surprise, at most", "惊喜混音最多使用的 LoRA 数"),
    ("explore_wrong", "The least strength of {name} is not below its greatest.", "{name} 的最小强度必须小于最大强度。"),
    ("surprise", "Surprise me", "给我惊喜"),
    ("surprised", "Surprise {seed}: {mix}", "惊喜 {seed}：{mix}"),
    ("explore_go", "Explore …", "探索 …"),
    ("explore_which", "Which do you like better?", "您更喜欢哪一张？"),
    ("explore_pick", "This one ({key})", "选这张（{key}）"),
    ("explore_take", "Take to the desk", "放上调音台"),
    ("explore_making", "Two pictures are made …", "正在生成两张图片 …"),
    ("explore_count", "{count} picks so far", "已选 {count} 次"),
    ("explore_left", "The picture on the left", "左图"),
    ("explore_right", "The picture on the right", "右图"),
    ("grid_hint", "{done} of {of} places are ready to be dragged over.", "已准备好 {done}/{of} 个位置。"),
    (
        "pad_methods",
        "These mixes are blended in different ways, so there is nothing between them.",
        "这些混音的混合方法不同，其间没有过渡。",
    ),
    ("crossfader", "Crossfader", "交叉推子"),
    ("film", "Film of the way", "过渡动画"),
    ("film_frames", "Pictures", "张数"),
    ("film_fps", "Pictures a second", "每秒张数"),
    ("film_around", "Back to the first mix", "回到第一个混音"),
    ("film_ending", "Format", "格式"),
    ("film_go", "Make the film", "生成动画"),
    ("film_making", "Picture {done} of {of}", "第 {done}/{of} 张"),
    ("film_left", "{left} s left", "剩余 {left} 秒"),
    ("film_done", "{name}: {frames} pictures", "{name}：{frames} 张"),
    ("film_get", "Download the film", "下载动画"),
    ("film_stopped", "Stopped: its pictures are kept in the runs' folder.", "已停止：图片保存在运行文件夹中。"),
)

METHODS_IN_CHINESE: Mapping[str, str] = MappingProxyType(
    {
        "sum": "各 LoRA 的改变乘以强度后相加。",
        "ties": "保留每个改变中最大的数值，去掉与多数相反的数值。",
        "dare": "随机丢弃每个改变中的数值，并相应放大其余数值。",
        "switch": "各 LoRA 逐步轮流生效，每次一个。",
        "w_switch": "按各 LoRA 训练词在提示词中的分量分配轮次。",
        "composite": "每一步取各 LoRA 单独结果的平均：每个 LoRA 的耗时相当于一张图。",
        "w_composite": "与 Composite 相同，但按训练词与提示词的接近程度加权。",
        "ssr": "先在每个 LoRA 下各走一步，使每个 LoRA 如同单独作用。",
    }
)
"""What each way of blending does (`MethodRow.does`); one that is not here is told in English."""
METHOD_NUMBERS_IN_CHINESE: Mapping[str, str] = MappingProxyType(
    {
        "the share of each change's numbers that is kept, the largest ones": "每个改变中保留的数值比例（保留最大的）",
        "a factor on the blended change": "混合后改变的系数",
        "the share of each change's numbers that is dropped": "每个改变中丢弃的数值比例",
        "how many steps the longest turn has, as far as everybody gets one": "最长一轮的步数（以每个 LoRA 都能轮到为限）",
        "how many steps at the end belong to the LoRA that weighs most": "最后多少步归分量最大的 LoRA",
        "how little of what is hard to tell apart is told apart": "难以区分的部分区分得多弱（越大越弱）",
    }
)
"""What the numbers of a way of blending mean (`MethodNumber.meaning`)."""
