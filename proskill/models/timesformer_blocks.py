"""Parts of a TimeSformer: patch stems, attention, MLP and the two kinds of block.

The modules that timm has, too, are written out here, because `import timm` alone takes longer than
scoring a take. Not here: embeddings and the order of blocks (`timesformer.py`).

Shapes: B clips, T frames, N patches of a frame, S tokens of a sequence, D embedding, A heads,
E = D / A.
"""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    """Multi-head self-attention with fused query, key and value, by the fastest kernel there is."""

    def __init__(
        self, dim: int, *, num_heads: int, qkv_bias: bool = True, drop: float = 0.0
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim)
        self.proj_drop = nn.Dropout(drop)

    def forward(self, x: Tensor) -> Tensor:
        """Apply self-attention within each sequence `(..., S, D)`."""
        return self.project(self.attend(self.qkv(x)))

    def attend(self, qkv: Tensor) -> Tensor:
        """Mix values before the output projection, `(..., S, 3D)` to `(..., S, D)`."""
        lead, (tokens, width) = qkv.shape[:-2], qkv.shape[-2:]
        heads = self.num_heads
        qkv = qkv.reshape(-1, tokens, 3, heads, width // (3 * heads))  # (X, S, 3, A, E)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # (X, A, S, E)
        mixed = _attention(q, k, v)  # (X, A, S, E)
        return mixed.transpose(1, 2).reshape(*lead, tokens, width // 3)  # (..., S, D)

    def project(self, x: Tensor) -> Tensor:
        """Apply the output projection."""
        return self.proj_drop(self.proj(x))


class Mlp(nn.Module):
    """Two linear layers with GELU between them."""

    def __init__(self, dim: int, hidden_dim: int, *, drop: float = 0.0) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.fc2 = nn.Linear(hidden_dim, dim)
        self.drop = nn.Dropout(drop)

    def forward(self, x: Tensor) -> Tensor:
        """`(..., D)` to the same shape."""
        return self.drop(self.fc2(self.drop(F.gelu(self.fc1(x)))))


class DropPath(nn.Module):
    """Stochastic depth: drop a residual branch for whole items of the batch, in training alone."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """`(B, ...)` to the same shape; branches that are kept are scaled up."""
        kept = x.new_ones(len(x), *[1] * (x.ndim - 1))
        return x * F.dropout(kept, self.probability, self.training)


class Block(nn.Module):
    """Pre-norm transformer block: attention over one sequence, then an MLP."""

    def __init__(
        self,
        dim: int,
        *,
        num_heads: int,
        mlp_ratio: float = 4.0,
        qkv_bias: bool = True,
        drop: float = 0.0,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, num_heads=num_heads, qkv_bias=qkv_bias, drop=drop)
        self.drop_path = DropPath(drop_path) if drop_path > 0 else nn.Identity()
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = Mlp(dim, int(dim * mlp_ratio), drop=drop)

    def forward(self, x: Tensor) -> Tensor:
        """`(X, S, D)` to the same shape."""
        x = x + self.drop_path(self.attn(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


class DividedBlock(Block):
    """Attention over time for each patch, then over space for each frame, then an MLP.

    The class token takes no part in time attention; in space attention every frame has a copy of
    it, whose results are averaged over the frames. Class token and patches travel as two tensors,
    so that time attention reads its sequences in place; the class token's query, key and value are
    the same in every frame and computed once. Arguments are those of `Block`.
    """

    def __init__(
        self,
        dim: int,
        *,
        num_heads: int,
        qkv_bias: bool = True,
        drop: float = 0.0,
        **options: float,
    ) -> None:
        super().__init__(dim, num_heads=num_heads, qkv_bias=qkv_bias, drop=drop, **options)
        self.temporal_norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.temporal_attn = Attention(dim, num_heads=num_heads, qkv_bias=qkv_bias, drop=drop)
        self.temporal_fc = nn.Linear(dim, dim)

    def forward(self, cls: Tensor, patches: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Class token `(B, 1, D)` and patches `(B, N, T, D)` to the same shapes."""
        over_time = self.drop_path(self.temporal_attn(self.temporal_norm1(patches)))
        patches = patches + self.temporal_fc(over_time)  # (B, N, T, D)

        cls_space, patch_space = self._space(cls, patches)
        cls = cls + self.drop_path(cls_space)
        patches = patches + self.drop_path(patch_space)

        cls = cls + self.drop_path(self.mlp(self.norm2(cls)))
        return cls, patches + self.drop_path(self.mlp(self.norm2(patches)))

    def _space(self, cls: Tensor, patches: Tensor) -> tuple[Tensor, Tensor]:
        num_frames = patches.shape[2]
        cls_qkv = self.attn.qkv(self.norm1(cls))[:, None]  # (B, 1, 1, 3D)
        patch_qkv = self.attn.qkv(self.norm1(patches)).transpose(1, 2)  # (B, T, N, 3D)
        qkv = torch.cat([cls_qkv.expand(-1, num_frames, -1, -1), patch_qkv], dim=2)
        mixed = self.attn.attend(qkv)  # (B, T, 1 + N, D)
        cls_out = self.attn.project(mixed[:, :, 0].mean(dim=1, keepdim=True))  # (B, 1, D)
        patch_out = self.attn.project(mixed[:, :, 1:])  # (B, T, N, D)
        return cls_out, patch_out.transpose(1, 2)


# Above this many tokens the score matrix of the plain formula costs more than its products save.
_MAX_PLAIN_TOKENS = 512


def _attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Scaled-dot-product attention of `(X, A, S, E)`.

    PyTorch's fused kernel is made for few long sequences. Divided attention has thousands of short
    ones, for which on a CPU in 16 bits the plain formula (two batched matrix products) is 2 to 3
    times faster forward and 4 to 9 times faster with backward; in 32 bits the fused kernel is the
    faster one.
    """
    if q.device.type != "cpu" or q.dtype == torch.float32 or q.shape[-2] > _MAX_PLAIN_TOKENS:
        return F.scaled_dot_product_attention(q, k, v)
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)  # (X, A, S, S)
    return scores.softmax(dim=-1) @ v


class PatchEmbed(nn.Module):
    """Patches by one convolution per patch, the official release's stem."""

    def __init__(self, patch_size: int, in_chans: int, embed_dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(in_chans, embed_dim, patch_size, stride=patch_size)

    def forward(self, frames: Tensor) -> Tensor:
        """Frames `(B, T, C, H, W)` to patches `(B, T, N, D)`."""
        patches = self.proj(frames.flatten(0, 1)).flatten(2).transpose(1, 2)  # (B*T, N, D)
        return patches.unflatten(0, frames.shape[:2])


class ConvStem(nn.Module):
    """Patches by a chain of 3x3 stride-2 convolutions instead of one large-stride convolution.

    After every convolution but the last: normalisation over the *whole clip* and GELU. Normalising
    each frame by itself would erase how much more moves in one frame than in another; a scale and
    shift per channel are the convolution's own, so the normalisation has no parameters.

    Raises:
        ValueError: a patch size that is not a power of two, or a width that the chain cannot halve.
    """

    def __init__(self, patch_size: int, in_chans: int, embed_dim: int) -> None:
        super().__init__()
        num_convs = patch_size.bit_length() - 1
        if patch_size < 2 or patch_size != 1 << num_convs:
            raise ValueError(
                f"patch_size={patch_size}: the convolutional stem takes a power of two, 2 or more"
            )
        if embed_dim % (1 << (num_convs - 1)):
            raise ValueError(
                f"embed_dim={embed_dim}: the convolutional stem with patch_size={patch_size} "
                f"takes a multiple of {1 << (num_convs - 1)}"
            )
        widths = [in_chans, *(embed_dim >> i for i in reversed(range(num_convs)))]
        self.convs = nn.ModuleList()
        for w_in, w_out in itertools.pairwise(widths):
            conv = nn.Conv2d(w_in, w_out, 3, stride=2, padding=1)
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            self.convs.append(conv)

    def forward(self, frames: Tensor) -> Tensor:
        """Frames `(B, T, C, H, W)` to patches `(B, T, N, D)`."""
        b, t = frames.shape[:2]
        x = frames.flatten(0, 1).contiguous(memory_format=torch.channels_last)  # (B*T, C, H, W)
        for i, conv in enumerate(self.convs):
            x = conv(x)
            if i + 1 < len(self.convs):
                x = F.gelu(_normalise_clip(x, b))
        return x.flatten(2).transpose(1, 2).unflatten(0, (b, t))


def _normalise_clip(x: Tensor, num_clips: int) -> Tensor:
    """Standardise each clip of `(B*T, C, H, W)` over all its frames, pixels and channels."""
    last = x.permute(0, 2, 3, 1)  # channels_last memory, so that the flat view is free
    flat = last.reshape(num_clips, -1)
    flat = F.layer_norm(flat, flat.shape[1:])
    return flat.view(last.shape).permute(0, 3, 1, 2)


def init_linear(module: nn.Module) -> None:
    """Draw the weights of a linear layer and set its bias to zero; skip other modules."""
    if isinstance(module, nn.Linear):
        init_normal(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


@torch.no_grad()
def init_normal(tensor: Tensor) -> None:
    """Draw normal values of deviation 0.02, as timm does; leave a tensor without data alone.

    A seed gives the same weights whatever the version of torch, whose own `trunc_normal_` has
    changed. On the meta device, arithmetic would import torch's compiler.
    """
    if not tensor.is_meta:
        tensor.uniform_(-1, 1).erfinv_().mul_(0.02 * math.sqrt(2)).clamp_(-2, 2)
