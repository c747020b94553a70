"""EQTransformer in idiomatic PyTorch: what minieqt is measured against where SeisBench is absent.

Its names are SeisBench's, so that it can load `minieqt.weights.to_seisbench` and a test can compare the two. On a GPU
cuDNN does the convolutions and the LSTMs. Dropout is in the ResCNN, the BiLSTM blocks and the feed-forward parts.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from minieqt.blocks.bilstm import UNITS
from minieqt.blocks.decoder import HEAD_KERNEL, decoder_crops
from minieqt.blocks.encoder import FILTERS, KERNELS
from minieqt.blocks.phase import ATTENTION_WIDTH
from minieqt.blocks.rescnn import KERNELS as RESCNN_KERNELS
from minieqt.blocks.transformer import FEEDFORWARD_UNITS

RATE = 0.1


def same(conv: nn.Conv1d, x: Tensor) -> Tensor:
    """A convolution of the input's length; an even kernel reads one sample more to the right."""
    K = conv.kernel_size[0]
    return conv(functional.pad(x, ((K - 1) // 2, K - 1 - (K - 1) // 2)))


class Encoder(nn.Module):
    """Seven times convolution, ReLU, pooling: (B, 3, T) -> (B, 64, T / 128)."""

    def __init__(self) -> None:
        super().__init__()
        sizes = zip((3, *FILTERS[:-1]), FILTERS, KERNELS, strict=True)
        self.convs = nn.ModuleList(nn.Conv1d(*size) for size in sizes)

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = functional.max_pool1d(torch.relu(same(conv, x)), 2, ceil_mode=True)
        return x


class ResidualBlock(nn.Module):
    """x + twice normalisation, ReLU, spatial dropout, convolution."""

    def __init__(self, kernel: int):
        super().__init__()
        self.norm1, self.norm2 = (nn.BatchNorm1d(FILTERS[-1], eps=1e-3, momentum=0.01) for _ in range(2))
        self.conv1, self.conv2 = (nn.Conv1d(FILTERS[-1], FILTERS[-1], kernel) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        y = same(self.conv1, functional.dropout1d(torch.relu(self.norm1(x)), RATE, self.training))
        return x + same(self.conv2, functional.dropout1d(torch.relu(self.norm2(y)), RATE, self.training))


class BiLSTMBlock(nn.Module):
    """BiLSTM, dropout, convolution of kernel 1, normalisation."""

    def __init__(self, channels: int):
        super().__init__()
        self.lstm = nn.LSTM(channels, UNITS, bidirectional=True)
        self.conv = nn.Conv1d(2 * UNITS, UNITS, 1)
        self.norm = nn.BatchNorm1d(UNITS, eps=1e-3, momentum=0.01)

    def forward(self, x: Tensor) -> Tensor:
        h, _ = self.lstm(x.permute(2, 0, 1))
        return self.norm(self.conv(functional.dropout(h, RATE, self.training).permute(1, 2, 0)))


class Members(nn.Module):
    """Blocks one after the other, under the name `members`."""

    def __init__(self, members: Sequence[nn.Module]):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: Tensor) -> Tensor:
        for member in self.members:
            x = member(x)
        return x


class Attention(nn.Module):
    """Additive attention with 32 hidden units, over everything or a band of `width` steps."""

    def __init__(self, width: int | None = None, units: int = 32):
        super().__init__()
        self.width = width
        self.Wx, self.Wt = (nn.Parameter(0.1 * torch.randn(UNITS, units)) for _ in range(2))
        self.bh, self.ba = nn.Parameter(torch.zeros(units)), nn.Parameter(torch.zeros(1))
        self.Wa = nn.Parameter(0.1 * torch.randn(units, 1))

    def forward(self, x: Tensor) -> Tensor:
        steps = x.permute(0, 2, 1)
        h = torch.tanh((steps @ self.Wt).unsqueeze(2) + (steps @ self.Wx).unsqueeze(1) + self.bh)
        e = (h @ self.Wa + self.ba).squeeze(-1)
        w = torch.exp(e - e.max(dim=2, keepdim=True).values)
        if self.width is not None:
            time = torch.arange(x.shape[2], device=x.device)
            offset = time[None, :] - time[:, None] + self.width // 2
            w = w * ((offset >= 0) & (offset < self.width))
        a = w / (w.sum(dim=2, keepdim=True) + 1e-7)
        return (a @ steps).permute(0, 2, 1)


class LayerNorm(nn.Module):
    """Each step to mean 0 and variance 1 over its channels."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.ones(UNITS, 1)), nn.Parameter(torch.zeros(UNITS, 1))

    def forward(self, x: Tensor) -> Tensor:
        centred = x - x.mean(dim=1, keepdim=True)
        return self.gamma * centred * torch.rsqrt((centred**2).mean(dim=1, keepdim=True) + 1e-14) + self.beta


class FeedForward(nn.Module):
    """16 -> 128 -> 16 at every step."""

    def __init__(self) -> None:
        super().__init__()
        self.lin1, self.lin2 = nn.Linear(UNITS, FEEDFORWARD_UNITS), nn.Linear(FEEDFORWARD_UNITS, UNITS)

    def forward(self, x: Tensor) -> Tensor:
        a = functional.dropout(torch.relu(self.lin1(x.permute(0, 2, 1))), RATE, self.training)
        return self.lin2(a).permute(0, 2, 1)


class Transformer(nn.Module):
    """Attention and a feed-forward part, each added to its input and normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.attention, self.norm1, self.ff, self.norm2 = Attention(), LayerNorm(), FeedForward(), LayerNorm()

    def forward(self, x: Tensor) -> Tensor:
        u = self.norm1(x + self.attention(x))
        return self.norm2(u + self.ff(u))


class Decoder(nn.Module):
    """Seven times upsampling, cropping, convolution, ReLU: (B, 16, T / 128) -> (B, 8, T)."""

    def __init__(self, length: int):
        super().__init__()
        filters = FILTERS[::-1]
        sizes = zip((UNITS, *filters[:-1]), filters, KERNELS[::-1], strict=True)
        self.convs = nn.ModuleList(nn.Conv1d(*size) for size in sizes)
        self.crops = decoder_crops(length)

    def forward(self, x: Tensor) -> Tensor:
        for conv, (left, right) in zip(self.convs, self.crops, strict=True):
            x = x.repeat_interleave(2, dim=2)
            x = torch.relu(same(conv, x[:, :, left : x.shape[2] - right]))
        return x


class TorchEQTransformer(nn.Module):
    """The network: x (B, 3, T) -> logits of detection, P and S, each (B, T)."""

    def __init__(self, lstm_blocks: int = 2, length: int = 6000):
        super().__init__()
        self.encoder = Encoder()
        self.res_cnn_stack = Members([ResidualBlock(kernel) for kernel in RESCNN_KERNELS])
        widths = (FILTERS[-1], *(UNITS,) * (lstm_blocks - 1))
        self.bi_lstm_stack = Members([BiLSTMBlock(width) for width in widths])
        self.transformer_d0, self.transformer_d = Transformer(), Transformer()
        self.decoder_d, self.conv_d = Decoder(length), nn.Conv1d(FILTERS[0], 1, HEAD_KERNEL)
        self.pick_lstms = nn.ModuleList(nn.LSTM(UNITS, UNITS) for _ in range(2))
        self.pick_attentions = nn.ModuleList(Attention(ATTENTION_WIDTH) for _ in range(2))
        self.pick_decoders = nn.ModuleList(Decoder(length) for _ in range(2))
        self.pick_convs = nn.ModuleList(nn.Conv1d(FILTERS[0], 1, HEAD_KERNEL) for _ in range(2))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        x = self.bi_lstm_stack(self.res_cnn_stack(self.encoder(x)))
        x = self.transformer_d(self.transformer_d0(x))
        outputs = [same(self.conv_d, self.decoder_d(x))[:, 0]]
        picks = zip(self.pick_lstms, self.pick_attentions, self.pick_decoders, self.pick_convs, strict=True)
        for lstm, attention, decoder, head in picks:
            h = lstm(x.permute(2, 0, 1))[0].permute(1, 2, 0)
            outputs.append(same(head, decoder(attention(h)))[:, 0])
        return tuple(outputs)
