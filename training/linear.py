"""Start a VAE at the best linear code its own layers can hold: the networks then only have to improve on it.

From random weights an autoencoder takes long to find what principal components of patches do at once, and the longer the more
latent channels it has. Stock `AutoencoderKL` has no shortcut around its networks, but the skip paths of its residual blocks
run through it whole. Here they are set so that they alone encode and decode:

- every downsampling convolution takes the principal components of 2x2 neighbourhoods of what comes in, and the encoder's
  last layer the first whitened ones as latents;
- the decoder's first convolution and every upsampling one are least-squares fits of the encoder's own features one level
  finer;
- the residual branches put out nothing, as their last layers start at zero;
- the norm and the SiLU before each last layer are made linear: a constant channel in every group fixes the group's spread,
  and each number comes as a pair of ``x`` and ``-x``, as ``silu(x) - silu(-x) = x``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from diffusers.models.resnet import ResnetBlock2D
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from training.networks import Vae

ANCHOR = 8.0
"""The constant channels, as a multiple of the largest spread of the others."""

SPREAD = 1.0
"""Deviation of the numbers that enter the last SiLU."""

LOG_VARIANCE = -5.0
"""Of whitened latents, at the start."""

RIDGE = 1e-3
"""Of the least-squares fits, as a share of the mean variance of what comes in."""


@torch.no_grad()
def start_linear(vae: Vae, pictures: Tensor) -> None:
    """Set all skip paths of a fresh `AutoencoderKL` by pictures (N, 3, H, W) in -1..1, and silence its other branches."""
    for block in _blocks(vae):
        nn.init.zeros_(block.conv2.weight)
        nn.init.zeros_(bias_of(block.conv2))
    levels = _fit_encoder(vae.encoder, pictures)
    code = _fit_latents(vae, levels.pop())
    _fit_decoder(vae, code, [pictures, *levels[1:]])


def bias_of(conv: nn.Conv2d) -> Tensor:
    """The bias of a convolution that has one, as all of these do."""
    return conv.get_parameter("bias")


def _blocks(vae: Vae) -> Iterator[ResnetBlock2D]:
    return (module for module in vae.modules() if isinstance(module, ResnetBlock2D))


def _fit_encoder(encoder: Vae, pictures: Tensor) -> list[Tensor]:
    """Set the skip paths down to the last block; return what they carry at each resolution, the finest first."""
    _pick(encoder.conv_in, range(3))
    levels = [pictures]
    for block in encoder.down_blocks[:-1]:
        for resnet in block.resnets:
            if resnet.conv_shortcut is not None:
                _pick(resnet.conv_shortcut, range(levels[-1].shape[1]))
        levels.append(_components(block.downsamplers[0].conv, levels[-1]))
    return levels


def _components(conv: nn.Conv2d, features: Tensor) -> Tensor:
    """Make a strided convolution put out the principal components of 2x2 neighbourhoods; return them."""
    count = features.shape[1]
    patches = F.pixel_unshuffle(features, 2).transpose(0, 1).flatten(1)
    used = min(len(patches), conv.out_channels)
    _, vectors = torch.linalg.eigh(patches @ patches.T)
    first = vectors.flip(1)[:, :used].T.reshape(used, count, 2, 2)
    conv.weight[:used] = 0
    conv.weight[:used, :count, :2, :2] = first
    bias_of(conv)[:used] = 0
    return F.conv2d(features, first, stride=2)


def _fit_latents(vae: Vae, features: Tensor) -> Tensor:
    """Make the encoder's last layers put out the first components, whitened, and one log-variance; return the latents."""
    count = vae.config.latent_channels
    centred = features - features.mean((0, 2, 3))[:, None, None]
    flat = centred.transpose(0, 1).flatten(1)
    _, vectors = torch.linalg.eigh(flat @ flat.T)
    turn = vectors.flip(1)[:, :count].T
    deviation = (turn @ flat).std(1)
    code = torch.einsum("kc,nchw->nkhw", turn / deviation[:, None], centred)
    mean = turn @ features.mean((0, 2, 3)) / deviation
    last = vae.encoder.down_blocks[-1].resnets[0].conv_shortcut
    _as_pairs(vae.encoder, last, vae.encoder.mid_block.resnets[-1], turn / deviation[:, None])
    vae.encoder.conv_out.bias[:count] = -mean
    vae.encoder.conv_out.weight[count:] = 0
    vae.encoder.conv_out.bias[count:] = LOG_VARIANCE
    for conv in (vae.quant_conv, vae.post_quant_conv):
        _pick(conv, range(conv.in_channels))
    return code


def _fit_decoder(vae: Vae, code: Tensor, levels: list[Tensor]) -> None:
    """Set the decoder's skip path to least-squares fits of the encoder's features, from the coarsest to the pixels."""
    decoder = vae.decoder
    here = code
    wanted = F.conv2d(levels[-1], _down(vae, len(levels) - 1), stride=2)
    here = _regress(decoder.conv_in, here, wanted)
    for block, target in zip(decoder.up_blocks, reversed(levels), strict=False):
        if block.resnets[0].conv_shortcut is not None:
            _pick(block.resnets[0].conv_shortcut, range(here.shape[1]))
        here = _regress(block.upsamplers[0].conv, F.interpolate(here, scale_factor=2, mode="nearest"), target)
    end = decoder.up_blocks[-1].resnets
    _as_pairs(decoder, end[0].conv_shortcut, end[-1], torch.eye(here.shape[1]))


def _down(vae: Vae, level: int) -> Tensor:
    """The patch filters of one downsampling convolution, without what it does not use."""
    conv = vae.encoder.down_blocks[level].downsamplers[0].conv
    used = min(4 * _used(vae, level), conv.out_channels)
    weight: Tensor = conv.weight[:used, : _used(vae, level), :2, :2]
    return weight


def _used(vae: Vae, level: int) -> int:
    """How many numbers the skip path carries at a resolution."""
    count = 3
    for width in vae.config.block_out_channels[:level]:
        count = min(4 * count, width)
    return count


def _regress(conv: nn.Conv2d, inputs: Tensor, wanted: Tensor) -> Tensor:
    """Fit the first outputs of a 3x3 convolution to features by ridge regression; return what it makes of the inputs."""
    count, used = inputs.shape[1], wanted.shape[1]
    columns = F.unfold(inputs, 3, padding=1).transpose(0, 1).flatten(1)
    columns = torch.cat([columns, torch.ones(1, columns.shape[1])]).double()
    targets = wanted.transpose(0, 1).flatten(1).double()
    moments = columns @ columns.T
    moments += RIDGE * moments.diagonal().mean() * torch.eye(len(moments)).double()
    fitted = torch.linalg.solve(moments, columns @ targets.T).T.float()
    conv.weight[:used] = 0
    conv.weight[:used, :count] = fitted[:, :-1].reshape(used, count, 3, 3)
    bias_of(conv)[:used] = fitted[:, -1]
    return F.conv2d(inputs, conv.weight[:used, :count], bias_of(conv)[:used], padding=1)


def _pick(conv: nn.Conv2d, rows: Iterable[int]) -> None:
    """Let the first channels through a convolution as they are."""
    middle = conv.kernel_size[0] // 2
    for row in rows:
        conv.weight[row] = 0
        conv.weight[row, row, middle, middle] = 1
        bias_of(conv)[row] = 0


def _as_pairs(half: Vae, entry: nn.Conv2d, last: ResnetBlock2D, rows: Tensor) -> None:
    """Send ``rows`` (K, C) of a level's features through the last norm and SiLU unharmed.

    ``entry`` makes the pairs, the bias of ``last`` the constant channels, one in each group.
    """
    norm, out = half.conv_norm_out, half.conv_out
    size = norm.num_channels // norm.num_groups
    anchors = [group * size for group in range(norm.num_groups)]
    free = [row for row in range(norm.num_channels) if row not in anchors]
    count, width = rows.shape
    if len(free) < 2 * count:
        raise ValueError(f"{norm.num_channels} channels hold {len(free) // 2} pairs, not {count}")
    entry.weight[anchors] = 0
    bias_of(entry)[anchors] = 0
    bias_of(last.conv2)[anchors] = ANCHOR
    out.weight[:count] = 0
    for index, row in enumerate(rows):
        for sign, channel in zip((1, -1), free[2 * index : 2 * index + 2], strict=True):
            entry.weight[channel] = 0
            entry.weight[channel, :width, 0, 0] = sign * row
            bias_of(entry)[channel] = 0
            out.weight[index, channel, 1, 1] = sign / SPREAD
    out.bias[:count] = 0
    deviation = ANCHOR * (size - 1) ** 0.5 / size
    norm.weight.fill_(deviation * SPREAD)
    norm.bias.fill_(ANCHOR / size * SPREAD)
