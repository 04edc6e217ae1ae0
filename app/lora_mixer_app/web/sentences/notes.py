"""What is noted of a picture: what acts otherwise than asked, and why this machine would draw it otherwise."""

from __future__ import annotations

SENTENCES: tuple[tuple[str, str], ...] = (
    # what a render says of itself
    (
        "no trained words of a LoRA stand in the prompt, so no places were sought: each acts as its mask says",
        "提示词中没有 LoRA 的训练词，因此没有寻找位置：各 LoRA 按其蒙版生效",
    ),
    (
        "the method {} is experimental: it has not been shown to beat the sum here",
        "混合方法 {} 是实验性的：尚未证明优于直接相加",
    ),
    (
        "there is no embedding {}, so its name is read as words; the nearest is {}",
        "没有嵌入 {}，其名称按普通词读取；最接近的是 {}",
    ),
    ("there is no embedding {}, so its name is read as words", "没有嵌入 {}，其名称按普通词读取"),
    (
        "the embedding {} does not fit this model, so its name is read as words: {}",
        "嵌入 {} 不适用于此模型，其名称按普通词读取：{:zh}",
    ),
    ("LoRA {}: the element weight {} means none of its layers", "LoRA {}：元素权重 {} 不对应其任何层"),
    ("LoRA {}: {}", "LoRA {}：{:zh}"),
    ("{} has no effect without an init picture", "没有初始图片时 {} 不起作用"),
    ("preset {}: {}, {} step, cfg {}", "预设 {}：{}，{} 步，CFG {}"),
    ("preset {}: {}, {} steps, cfg {}", "预设 {}：{}，{} 步，CFG {}"),
    (
        "the preset {} wants {}, and nothing in the mix is called like one",
        "预设 {} 需要 {}，而混音中没有类似名称的 LoRA",
    ),
    ("places were found by a probe of {} step without LoRAs", "通过不带 LoRA 的 {} 步试绘找到了位置"),
    ("places were found by a probe of {} steps without LoRAs", "通过不带 LoRA 的 {} 步试绘找到了位置"),
    ("upscaler has no effect without upscale", "没有放大倍数时放大算法不起作用"),
    ("memory ran out for more than {} pictures at once", "同时渲染超过 {} 张图片时内存不足"),
    ("styles: {}", "样式：{}"),
    ("the LoRA {} is {} here, told by its digest", "LoRA {} 在此处名为 {}（按摘要识别）"),
    # what would be drawn otherwise here
    ("the model {} has other weights: {}, then {}", "模型 {} 的权重不同：现为 {}，当时为 {}"),
    ("the model has other weights: {} here, {} then", "模型的权重不同：此处为 {}，当时为 {}"),
    ("the model {} has another configuration, noise schedule or tokenizer", "模型 {} 的配置、噪声调度或分词器不同"),
    ("the VAE is {}, was {}", "VAE 现为 {}，原为 {}"),
    ("the LoRA {} is another file: {}, then {}", "LoRA {} 是另一个文件：现为 {}，当时为 {}"),
    ("the LoRA {} is another file than {}", "LoRA {} 与 {} 不是同一个文件"),
    ("the LoRA {} is scaled by {}, was {}", "LoRA {} 的缩放为 {}，原为 {}"),
    ("the mask of {} is another picture", "{} 的蒙版是另一张图片"),
    ("the upscaler {} is another file: {}, then {}", "放大模型 {} 是另一个文件：现为 {}，当时为 {}"),
    (
        "the matrices of the method {} come out otherwise here, perhaps in their last bits",
        "混合方法 {} 的矩阵在此处结果不同，可能只差末几位",
    ),
    (
        "{} was drawn by a rule then that did not converge; it is drawn by another now",
        "{} 当时采用的算法不收敛；现已改用另一种算法",
    ),
    ("the embedding {} is another", "嵌入 {} 是另一个"),
    ("the embedding {} is not there", "没有嵌入 {}"),
    ("the device is {}, was {}", "设备为 {}，原为 {}"),
    ("the dtype is {}, was {}", "数据类型为 {}，原为 {}"),
    ("{} is missing, was {}", "缺少 {}，原为 {}"),
    ("{} is {}, was {}", "{} 为 {}，原为 {}"),
    # what a file is told by
    ("modules of a UNet", "UNet 的模块"),
    ("cross attention {} wide", "交叉注意力宽 {}"),
    ("attention {} wide", "注意力宽 {}"),
    ("convolutions {} wide", "卷积宽 {}"),
    ("text encoder {} wide", "文本编码器宽 {}"),
    ("embeddings {} wide", "嵌入宽 {}"),
    ("{} transformer blocks deep", "Transformer 块深 {}"),
    ("nothing in it tells", "其中没有线索"),
    ("its metadata calls it {}", "其元数据称之为 {}"),
    ("although its metadata says {}", "尽管其元数据写着 {}"),
    ("metadata {}", "元数据 {}"),
    ("it has {}", "含有 {}"),
    ("no known family has all of that", "没有已知的模型系列同时具备"),
    # why an embedding does not fit
    ("it has no vectors for the text encoder {}", "它没有文本编码器 {} 的向量"),
    ("it is {} wide, the text encoder {} {}", "它宽 {0}，而文本编码器 {1} 宽 {2}"),
    (
        "it has vectors for the text encoder {}, which this model lacks",
        "它含有文本编码器 {} 的向量，而此模型没有该编码器",
    ),
    ("it has {} vectors, and {} fit into a chunk", "它有 {} 个向量，而一个分块只能容纳 {} 个"),
    # why an engine was chosen
    ("{} step", "{} 步"),
    ("{} steps", "{} 步"),
    (
        "a mask acts on a part of the picture; on text (text encoders, the denoiser's keys and values) its LoRA acts with "
        "the mask's mean",
        "蒙版只作用于图片的一部分；对文本（文本编码器、去噪器的键和值），其 LoRA 按蒙版的平均值作用",
    ),
    ("asked for", "按要求"),
    ("{} mixes in one batch", "一批中有 {} 个混音"),
    ("a strength changes over the steps", "强度随步数变化"),
    ("{} weighs whole changes of weights against each other", "{} 对整个权重改变相互加权"),
    ("{} mixes, one forward each", "{} 个混音，各前向一次"),
    ("merged anew at every step", "每一步重新合并"),
    (
        "{} weighs whole changes of weights against each other; merged anew at every step",
        "{} 对整个权重改变相互加权；每一步重新合并",
    ),
    ("no LoRA acts on the denoiser", "没有 LoRA 作用于去噪器"),
    ("one mix over {}: cheaper than the side path by fixed costs", "单个混音，{:zh}：按固定开销比旁路更省"),
    ("one mix over {}: cheaper than merging by fixed costs", "单个混音，{:zh}：按固定开销比合并更省"),
    ("one mix over {}: cheaper than the side path on any machine", "单个混音，{:zh}：在任何机器上都比旁路更省"),
    ("one mix over {}: cheaper than merging on any machine", "单个混音，{:zh}：在任何机器上都比合并更省"),
    (
        "one mix over {}: measured here, merging takes about {} ms once, the side path {} ms a step",
        "单个混音，{:zh}：在本机测得，合并一次约需 {} 毫秒，旁路每步 {} 毫秒",
    ),
    ("the rest of its word has no place", "其词的其余部分没有对应"),
    ("not made yet", "尚未生成"),
)
