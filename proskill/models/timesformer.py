"""TimeSformer: a vision transformer over a clip (Bertasius et al. 2021, arXiv 2102.05095).

Equal to the official implementation and to transformers' `TimesformerModel` on the same weights,
with parameter names of the official release. Two extensions that the released weights do not use: a
convolutional stem, and a motion input from which the static picture has been subtracted.

Not here: reading foreign weight files (`weights.py`), several views (`proficiency.py`).

Shapes: B clips, C channels, T frames, H W pixels, N = (H / patch)(W / patch) patches of a frame, D
embedding. Tokens are ordered as in the official release: the class token, then patches with time
fastest, `(h w) t`.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from proskill.models.timesformer_blocks import (
    Block,
    ConvStem,
    DividedBlock,
    PatchEmbed,
    init_linear,
    init_normal,
)

AttentionType = Literal["divided_space_time", "joint_space_time", "space_only"]
Stem = Literal["patch", "conv"]
InputMode = Literal["rgb", "motion"]
GlobalPool = Literal["avg", "token"]

_BASE = {"embed_dim": 768, "depth": 12, "num_heads": 12}
SIZES: dict[str, dict[str, Any]] = {
    "tiny": {"embed_dim": 192, "depth": 12, "num_heads": 3},
    "small": {"embed_dim": 384, "depth": 12, "num_heads": 6},
    "base": _BASE,
    "hr": {**_BASE, "img_size": 448, "num_frames": 16},
    "large": {**_BASE, "num_frames": 96},
}


class TimeSformer(nn.Module):
    """Encoder of a clip `(B, C, T, H, W)` as tokens `(B, 1 + N*T, D)`.

    Height and width may be any multiple of `patch_size` and T any number of frames: the position
    and time embeddings are resized (nearest, as in the official release) from the size they were
    made for.

    Args:
        img_size: pixels of the frames that the position embedding is made for, one side or (H, W).
        patch_size: pixels per side of a patch.
        num_frames: frames that the time embedding is made for.
        in_chans: channels of the input clip.
        embed_dim: D, a multiple of `num_heads`.
        depth: number of blocks.
        num_heads: attention heads.
        mlp_ratio: hidden width of a block's MLP over D.
        qkv_bias: biases on query, key and value.
        attention_type: time then space in every block; all tokens at once; or each frame alone,
            averaged at the end.
        drop_rate: dropout after embeddings, projections and in the MLP.
        drop_path_rate: stochastic depth of the last block, rising linearly from 0; a branch is
            dropped per clip.
        num_classes: width of the classifier on the class token; 0 means none.
        stem: "patch" is one convolution per patch (official); "conv" is a chain of 3x3 stride-2
            convolutions.
        input_mode: "rgb" takes the clip as it is; "motion" takes, per pixel, the clip minus its
            mean over time and the difference to the frame before (0 for the first), so that nothing
            static reaches the stem.
        grad_checkpointing: recompute blocks in the backward pass to save memory.
        global_pool: feature of the clip: the mean over all tokens, or the class token.

    Raises:
        ValueError: an argument outside its range.
    """

    def __init__(
        self,
        *,
        img_size: int | tuple[int, int] = 224,
        patch_size: int = 16,
        num_frames: int = 8,
        in_chans: int = 3,
        embed_dim: int = 768,
        depth: int = 12,
        num_heads: int = 12,
        mlp_ratio: float = 4.0,
        qkv_bias: bool = True,
        attention_type: AttentionType = "divided_space_time",
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        num_classes: int = 0,
        stem: Stem = "patch",
        input_mode: InputMode = "rgb",
        grad_checkpointing: bool = False,
        global_pool: GlobalPool = "avg",
    ) -> None:
        super().__init__()
        height, width = (img_size, img_size) if isinstance(img_size, int) else img_size
        _require(
            height % patch_size == 0 and width % patch_size == 0 and height > 0 and width > 0,
            f"img_size={img_size!r}: both sides must be multiples of patch_size={patch_size}",
        )
        _require(
            num_heads > 0 and embed_dim % num_heads == 0,
            f"embed_dim={embed_dim}: must be a multiple of num_heads={num_heads}",
        )
        _require(num_frames >= 1, f"num_frames={num_frames}: must be 1 or more")
        _require(depth >= 1, f"depth={depth}: must be 1 or more")
        _one_of("attention_type", attention_type, AttentionType)
        _one_of("stem", stem, Stem)
        _one_of("input_mode", input_mode, InputMode)
        _one_of("global_pool", global_pool, GlobalPool)

        self.config: dict[str, Any] = {
            "img_size": [height, width],
            "patch_size": patch_size,
            "num_frames": num_frames,
            "in_chans": in_chans,
            "embed_dim": embed_dim,
            "depth": depth,
            "num_heads": num_heads,
            "mlp_ratio": mlp_ratio,
            "qkv_bias": qkv_bias,
            "attention_type": attention_type,
            "drop_rate": drop_rate,
            "drop_path_rate": drop_path_rate,
            "num_classes": num_classes,
            "stem": stem,
            "input_mode": input_mode,
            "grad_checkpointing": grad_checkpointing,
            # The default is left out, so that digests of older backbones stay what they were.
            **({} if global_pool == "avg" else {"global_pool": global_pool}),
        }
        self.global_pool = global_pool
        self.attention_type = attention_type
        self.input_mode = input_mode
        self.in_chans = in_chans
        self.patch_size = patch_size
        self.num_frames = num_frames
        self.embed_dim = self.num_features = embed_dim
        self.depth = depth
        self.num_classes = num_classes
        self.grad_checkpointing = grad_checkpointing
        self.grid_size = (height // patch_size, width // patch_size)

        stem_chans = 2 * in_chans if input_mode == "motion" else in_chans
        make_stem = PatchEmbed if stem == "patch" else ConvStem
        self.patch_embed = make_stem(patch_size, stem_chans, embed_dim)
        num_patches = self.grid_size[0] * self.grid_size[1]
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + num_patches, embed_dim))
        if attention_type != "space_only":
            self.time_embed = nn.Parameter(torch.zeros(1, num_frames, embed_dim))
        self.pos_drop = nn.Dropout(drop_rate)

        block = DividedBlock if attention_type == "divided_space_time" else Block
        self.blocks = nn.ModuleList(
            block(
                embed_dim,
                num_heads=num_heads,
                mlp_ratio=mlp_ratio,
                qkv_bias=qkv_bias,
                drop=drop_rate,
                drop_path=drop_path_rate * i / max(depth - 1, 1),
            )
            for i in range(depth)
        )
        self.norm = nn.LayerNorm(embed_dim, eps=1e-6)
        self.head: nn.Module = nn.Linear(embed_dim, num_classes) if num_classes else nn.Identity()
        self._init_weights()

    @classmethod
    def from_size(cls, size: str, **overrides: Any) -> TimeSformer:
        """Build the architecture of a name in `SIZES`, with any constructor argument replaced.

        Raises:
            ValueError: a name that is not in `SIZES`.
        """
        _require(size in SIZES, f"size={size!r}: allowed are {', '.join(SIZES)}")
        return cls(**{**SIZES[size], **overrides})

    def forward(self, x: Tensor) -> Tensor:
        """Return class logits `(B, num_classes)`, or features `(B, D)` without a classifier."""
        return self.forward_head(self.forward_features(x))

    def forward_features(self, x: Tensor) -> Tensor:
        """Return the normalised tokens of a clip.

        Args:
            x: clip `(B, C, T, H, W)`, normalised as the weights expect.

        Returns:
            `(B, 1 + N*T, D)`, the class token first; with space-only attention `(B, 1 + N, D)`, the
            mean over frames.

        Raises:
            ValueError: a clip whose shape the model cannot take.
        """
        return self._finish(*self._run(*self._embed(x), 0, self.depth))

    def forward_prefix(self, x: Tensor, k: int) -> Tensor:
        """Return the hidden state after `k` blocks, not normalised, so that frozen blocks run once.

        Returns:
            `(B, 1 + N*T, D)`; with space-only attention `(B, T, 1 + N, D)`.

        Raises:
            ValueError: a clip of the wrong shape, or `k` outside 0..depth.
        """
        self._check_k(k)
        cls, patches = self._run(*self._embed(x), 0, k)
        if self.attention_type == "space_only":
            return torch.cat([cls, patches], dim=2)  # (B, T, 1 + N, D)
        return torch.cat([cls, patches.flatten(1, 2)], dim=1)  # (B, 1 + N*T, D)

    def forward_suffix(self, h: Tensor, k: int, *, num_frames: int) -> Tensor:
        """Run the blocks after the first `k` on a hidden state of `forward_prefix(x, k)`.

        Args:
            h: the hidden state of `forward_prefix`.
            k: the number of blocks that it has passed.
            num_frames: T of the clip that it came from.

        Raises:
            ValueError: `k` outside 0..depth, or a hidden state that does not fit `num_frames`.
        """
        self._check_k(k)
        if self.attention_type == "space_only":
            _require(
                h.ndim == 4 and h.shape[1] == num_frames,
                f"h of shape {tuple(h.shape)}: expected (B, T, 1 + N, D) with T={num_frames}",
            )
            return self._finish(*self._run(h[:, :, :1], h[:, :, 1:], k, self.depth))
        _require(
            h.ndim == 3 and h.shape[1] > 1 and (h.shape[1] - 1) % num_frames == 0,
            f"h of shape {tuple(h.shape)}: expected (B, 1 + N*T, D) with T={num_frames}",
        )
        patches = h[:, 1:].unflatten(1, (-1, num_frames))  # (B, N, T, D)
        return self._finish(*self._run(h[:, :1], patches, k, self.depth))

    def pool(self, tokens: Tensor) -> Tensor:
        """Pool tokens to the clip's feature, `(B, S, D)` to `(B, D)`.

        The feature is the mean over all tokens, class token included (SkillFormer's), or the class
        token alone, as `global_pool` asks.
        """
        return tokens.mean(dim=1) if self.global_pool == "avg" else tokens[:, 0]

    def pool_frames(self, tokens: Tensor, num_frames: int) -> Tensor:
        """Average the tokens of each frame, `(B, S, D)` to `(B, T, D)`.

        Where frames have no tokens of their own (class token pooling, space-only attention), each
        frame gets the feature of the clip.
        """
        if self.global_pool == "token" or self.attention_type == "space_only":
            return self.pool(tokens)[:, None].expand(-1, num_frames, -1)
        return tokens[:, 1:].unflatten(1, (-1, num_frames)).mean(dim=1)  # tokens run (N, T)

    def forward_head(self, tokens: Tensor, pre_logits: bool = False) -> Tensor:
        """Classify the class token, `(B, S, D)` to `(B, num_classes)`.

        Args:
            tokens: result of `forward_features`.
            pre_logits: stop before the classifier and return `(B, D)`.
        """
        return tokens[:, 0] if pre_logits else self.head(tokens[:, 0])

    def get_classifier(self) -> nn.Module:
        """Return the classifier, `nn.Identity` when `num_classes` is 0."""
        return self.head

    def reset_classifier(self, num_classes: int) -> None:
        """Replace the classifier by a fresh one of this width, 0 for none."""
        self.num_classes = self.config["num_classes"] = num_classes
        weight = self.pos_embed
        self.head = nn.Linear(self.embed_dim, num_classes) if num_classes else nn.Identity()
        self.head.apply(init_linear)
        self.head.to(device=weight.device, dtype=weight.dtype)

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Choose whether blocks are recomputed in the backward pass, which saves memory."""
        self.grad_checkpointing = self.config["grad_checkpointing"] = enable

    def _init_weights(self) -> None:
        self.blocks.apply(init_linear)
        self.head.apply(init_linear)
        init_normal(self.pos_embed)
        init_normal(self.cls_token)
        for block in self.blocks:
            if isinstance(block, DividedBlock):  # starts as the image model applied to each frame
                nn.init.zeros_(block.temporal_fc.weight)

    def _embed(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Embed a clip as class token `(B, 1, D)` and patches `(B, N, T, D)`.

        With space-only attention `(B, T, 1, D)` and `(B, T, N, D)`.
        """
        self._check_clip(x)
        b, _, t, height, width = x.shape
        grid = (height // self.patch_size, width // self.patch_size)
        frames = x.transpose(1, 2)  # (B, T, C, H, W)
        if self.input_mode == "motion":
            frames = _motion(frames)  # (B, T, 2C, H, W)
        patches = self.patch_embed(frames)  # (B, T, N, D)
        pos = self._pos_embed_for(grid)  # (1, 1 + N, D)
        cls = self.pos_drop((self.cls_token + pos[:, :1]).expand(b, 1, -1))  # (B, 1, D)
        if self.attention_type == "space_only":
            patches = self.pos_drop(patches + pos[:, None, 1:])
            return cls[:, None].expand(b, t, 1, -1), patches
        time = self._time_embed_for(t)  # (1, T, D)
        patches = self.pos_drop(patches.transpose(1, 2) + (pos[:, 1:, None] + time[:, None]))
        return cls, patches.contiguous()  # (B, 1, D), (B, N, T, D)

    def _run(self, cls: Tensor, patches: Tensor, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Run blocks `start..stop-1`."""
        if self.attention_type != "divided_space_time":
            return self._run_plain(cls, patches, start, stop)
        for block in self.blocks[start:stop]:
            if self.grad_checkpointing and torch.is_grad_enabled():
                cls, patches = checkpoint(block, cls, patches, use_reentrant=False)
            else:
                cls, patches = block(cls, patches)
        return cls, patches

    def _run_plain(
        self, cls: Tensor, patches: Tensor, start: int, stop: int
    ) -> tuple[Tensor, Tensor]:
        """Run blocks over one sequence: all tokens of a clip (joint) or of a frame (space only)."""
        shape = patches.shape
        if self.attention_type == "space_only":
            tokens = torch.cat([cls, patches], dim=2).flatten(0, 1)  # (B*T, 1 + N, D)
        else:
            tokens = torch.cat([cls, patches.flatten(1, 2)], dim=1)  # (B, 1 + N*T, D)
        for block in self.blocks[start:stop]:
            if self.grad_checkpointing and torch.is_grad_enabled():
                tokens = checkpoint(block, tokens, use_reentrant=False)
            else:
                tokens = block(tokens)
        if self.attention_type == "space_only":
            tokens = tokens.unflatten(0, shape[:2])  # (B, T, 1 + N, D)
            return tokens[:, :, :1], tokens[:, :, 1:]
        return tokens[:, :1], tokens[:, 1:].reshape(shape)

    def _finish(self, cls: Tensor, patches: Tensor) -> Tensor:
        if self.attention_type == "space_only":
            return self.norm(torch.cat([cls, patches], dim=2).mean(dim=1))  # (B, 1 + N, D)
        return self.norm(torch.cat([cls, patches.flatten(1, 2)], dim=1))  # (B, 1 + N*T, D)

    def _pos_embed_for(self, grid: tuple[int, int]) -> Tensor:
        if grid == self.grid_size:
            return self.pos_embed
        cls, pos = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        pos = pos.transpose(1, 2).unflatten(2, self.grid_size)  # (1, D, h0, w0)
        pos = F.interpolate(pos, size=grid, mode="nearest").flatten(2).transpose(1, 2)  # (1, N, D)
        return torch.cat([cls, pos], dim=1)

    def _time_embed_for(self, num_frames: int) -> Tensor:
        if num_frames == self.time_embed.shape[1]:
            return self.time_embed
        time = self.time_embed.transpose(1, 2)  # (1, D, T0)
        return F.interpolate(time, size=num_frames, mode="nearest").transpose(1, 2)  # (1, T, D)

    def _check_clip(self, x: Tensor) -> None:
        shape = tuple(x.shape)
        _require(x.ndim == 5, f"x of shape {shape}: expected a clip (B, C, T, H, W)")
        _require(
            shape[1] == self.in_chans,
            f"x of shape {shape}: expected (B, C, T, H, W) with C={self.in_chans} channels",
        )
        ok = all(s >= self.patch_size and s % self.patch_size == 0 for s in shape[3:])
        _require(
            ok and shape[2] >= 1,
            f"x of shape {shape}: H and W must be multiples of {self.patch_size}, and T 1 or more",
        )

    def _check_k(self, k: int) -> None:
        _require(0 <= k <= self.depth, f"k={k}: must be between 0 and depth={self.depth}")


def _motion(frames: Tensor) -> Tensor:
    """Return deviation from the mean and difference to the frame before, `(B, T, 2C, H, W)`."""
    step = torch.zeros_like(frames)
    step[:, 1:] = frames[:, 1:] - frames[:, :-1]
    return torch.cat([frames - frames.mean(dim=1, keepdim=True), step], dim=2)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _one_of(name: str, value: str, choices: Any) -> None:
    allowed = choices.__args__
    _require(value in allowed, f"{name}={value!r}: allowed are {', '.join(allowed)}")
