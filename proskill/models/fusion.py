"""Fusion of the features of a take's views into one (SkillFormer, arXiv 2505.08665).

With every option off, `CrossViewFusion` computes SkillFormer's equations with exactly its
parameters. Masks allow different numbers of views in one batch; options add the kind of a camera
(worn or watching), robustness to a missing view, and a start at the mean of the views instead of
noise.

Not here: backbone and head.

Shapes: B takes, V views (of the take with most; the others are masked), D embedding, H hidden
width.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from proskill.view_names import VIEW_KINDS


class CrossViewFusion(nn.Module):
    """Attention between views, mean over views, gated feed-forward, learned scale of the result.

    Args:
        embed_dim: D, width of a view's feature and of the result; a multiple of `num_heads`.
        hidden_dim: H, width of the gated layer.
        num_heads: attention heads.
        dropout: on the attention weights and on the gated layer's input.
        use_view_kind: add a learned embedding of the view's kind (0 ego, 1 exo), which starts at
            zero.
        view_dropout: in training, the probability with which each view of a take is left out; one
            always stays.
        residual: add the attention's result to its input and start its output layer at zero, so
            that fusion begins as the mean of the normalised views. SkillFormer has no residual.

    Raises:
        ValueError: an argument outside its range.
    """

    def __init__(
        self,
        embed_dim: int,
        hidden_dim: int,
        num_heads: int,
        dropout: float = 0.1,
        *,
        use_view_kind: bool = False,
        view_dropout: float = 0.0,
        residual: bool = False,
    ) -> None:
        super().__init__()
        if num_heads < 1 or embed_dim % num_heads:
            raise ValueError(f"embed_dim={embed_dim}: must be a multiple of num_heads={num_heads}")
        if hidden_dim < 1:
            raise ValueError(f"hidden_dim={hidden_dim}: must be 1 or more")
        for name, value in (("dropout", dropout), ("view_dropout", view_dropout)):
            if not 0 <= value < 1:
                raise ValueError(f"{name}={value}: must be in [0, 1)")
        self.config: dict[str, Any] = {
            "embed_dim": embed_dim,
            "hidden_dim": hidden_dim,
            "num_heads": num_heads,
            "dropout": dropout,
            "use_view_kind": use_view_kind,
            "view_dropout": view_dropout,
            "residual": residual,
        }
        self.embed_dim = embed_dim
        self.view_dropout = view_dropout
        self.residual = residual
        self.norm = nn.LayerNorm(embed_dim)
        self.attn = ViewAttention(embed_dim, num_heads=num_heads, dropout=dropout)
        self.fc1 = nn.Linear(embed_dim, hidden_dim)
        self.hidden_norm = nn.LayerNorm(hidden_dim)
        self.drop = nn.Dropout(dropout)
        self.gate = nn.Linear(hidden_dim, hidden_dim)
        self.fc2 = nn.Linear(hidden_dim, embed_dim)
        self.out_norm = nn.LayerNorm(embed_dim)
        self.scale = nn.Parameter(torch.tensor(0.1168))  # the paper's starting values
        self.shift = nn.Parameter(torch.tensor(0.0007))
        self.view_kind_embed: nn.Embedding | None = None
        if use_view_kind:
            self.view_kind_embed = nn.Embedding(len(VIEW_KINDS), embed_dim)
            nn.init.zeros_(self.view_kind_embed.weight)
        if residual:
            nn.init.zeros_(self.attn.proj.weight)
            nn.init.zeros_(self.attn.proj.bias)

    def forward(
        self, x: Tensor, view_mask: Tensor | None = None, view_kind: Tensor | None = None
    ) -> Tensor:
        """Fuse the views of each take.

        Args:
            x: view features `(B, V, D)`; masked positions are ignored, even if not finite.
            view_mask: `(B, V)` bool, true where a view exists; None if all do.
            view_kind: `(B, V)` integer, 0 ego and 1 exo; needed if and only if `use_view_kind`. Its
                value at a masked position is ignored.

        Returns:
            `(B, D)`.

        Raises:
            ValueError: shapes that do not fit, a take without a view, or a view kind missing or
                unknown.
        """
        mask = self._check(x, view_mask)
        if self.training and self.view_dropout > 0:
            mask = drop_views(mask, self.view_dropout)
        present = mask[..., None]  # (B, V, 1)
        x = self.norm(x.masked_fill(~present, 0.0))
        if self.view_kind_embed is not None:
            x = x + self.view_kind_embed(self._check_kind(view_kind, mask))
        attended = self.attn(x, mask)  # (B, V, D)
        if self.residual:
            attended = attended + x
        fused = attended.masked_fill(~present, 0.0).sum(dim=1) / present.sum(dim=1)  # (B, D)
        hidden = self.drop(self.hidden_norm(F.gelu(self.fc1(fused))))  # (B, H)
        hidden = hidden * torch.sigmoid(self.gate(hidden))
        z = self.out_norm(self.fc2(hidden)).float()  # (B, D)
        # In this order: gradients are summed in the reverse, and demo results are kept to the bit.
        centred = z - z.mean(dim=-1, keepdim=True)
        spread = z.std(dim=-1, keepdim=True) + 1e-6  # unbiased, as in the paper
        return self.scale * (centred / spread) + self.shift

    def _check(self, x: Tensor, mask: Tensor | None) -> Tensor:
        if x.ndim != 3 or x.shape[1] < 1 or x.shape[2] != self.embed_dim:
            raise ValueError(
                f"x of shape {tuple(x.shape)}: expected (B, V, D) with one view or more and "
                f"D={self.embed_dim}"
            )
        if mask is None:
            return torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        if mask.dtype != torch.bool or mask.shape != x.shape[:2]:
            raise ValueError(
                f"view_mask of shape {tuple(mask.shape)} and type {mask.dtype}: expected bool "
                f"{tuple(x.shape[:2])}"
            )
        empty = ~mask.any(dim=1)
        if bool(empty.any()):
            raise ValueError(
                f"view_mask: take {int(empty.nonzero()[0])} of the batch has no view; every take "
                f"needs at least one"
            )
        return mask

    def _check_kind(self, kind: Tensor | None, mask: Tensor) -> Tensor:
        if kind is None:
            raise ValueError(
                "view_kind is missing: this model was made with use_view_kind=True; give 0 (ego) "
                "or 1 (exo)"
            )
        if kind.shape != mask.shape:
            raise ValueError(
                f"view_kind of shape {tuple(kind.shape)}: expected {tuple(mask.shape)}"
            )
        kind = kind.long().masked_fill(~mask, 0)
        if bool(((kind < 0) | (kind >= len(VIEW_KINDS))).any()):
            raise ValueError(
                f"view_kind has values outside 0..{len(VIEW_KINDS) - 1}: 0 is ego, 1 is exo"
            )
        return kind


class LateFusion(nn.Module):
    """Late averaging: the head predicts from every view, and `ProficiencyModel` averages.

    The method of the Ego-Exo4D baseline; for takes of one view, plain "backbone and head".
    """

    def __init__(self, embed_dim: int) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"kind": "late", "embed_dim": embed_dim}
        self.embed_dim = embed_dim


class ViewAttention(nn.Module):
    """Multi-head self-attention between the views of a take, blind to masked views."""

    def __init__(self, dim: int, *, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.dropout = dropout
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        nn.init.xavier_uniform_(self.qkv.weight)  # as torch.nn.MultiheadAttention starts
        nn.init.zeros_(self.qkv.bias)
        nn.init.zeros_(self.proj.bias)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Apply attention to views `(B, V, D)` that exist, `mask` `(B, V)`."""
        qkv = self.qkv(x).unflatten(-1, (3, self.num_heads, -1))  # (B, V, 3, A, E)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # (B, A, V, E)
        mixed = F.scaled_dot_product_attention(
            q,
            k,
            v,
            attn_mask=mask[:, None, None, :],
            dropout_p=self.dropout if self.training else 0.0,
        )
        return self.proj(mixed.transpose(1, 2).flatten(2))  # (B, V, D)


def drop_views(mask: Tensor, probability: float) -> Tensor:
    """Drop each present view of `(B, V)` with this probability, but never all views of a take."""
    draw = torch.rand(mask.shape, device=mask.device).masked_fill(~mask, -1.0)
    best = draw.argmax(dim=1, keepdim=True)  # stays even if chance drops all
    return ((draw >= probability) & mask).scatter(1, best, True)
