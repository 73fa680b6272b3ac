"""Torch modules for diffraction patterns.

Each is built with the number of points of a pattern and the number of classes, takes a float
tensor of shape (n_patterns, n_points) and returns logits of shape (n_patterns, n_classes): the
softmax that turns them into probabilities belongs to the loss and to `predict_proba`. Patterns of
any length are accepted, down to a single point.

A pattern passes as an image of one row: torch keeps channels last in memory for two-dimensional
convolutions only, and on a CPU a training step is faster that way.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["VGG11", "ResNet1d"]


class VGG11(nn.Module):
    """The convolutional network of the XRDMatch paper for one-dimensional patterns.

    Sections of two convolutions and a maximum pooling of two points, then fully connected layers.

    Parameters
    ----------
    n_points : int
        Number of points of a pattern.
    n_classes : int
        Number of classes.
    channels : sequence of int, default=(64, 128, 256, 512)
        Channels of each section. The paper's text lists five numbers (64, 128, 256, 256, 512) for
        its four sections.
    kernel_sizes : sequence of int, default=(16, 12, 8, 4)
        Kernel size of each section, as many as `channels`.
    stride : int, default=2
        Stride of the first convolution of each section. The paper's text does not name one; without
        it the first fully connected layer alone would hold 147 million weights at 4,501 points.
    hidden_units : sequence of int, default=(1024, 1024, 1024)
        Width of each fully connected layer before the output layer.
    batch_norm : bool, default=False
        Whether each convolution is followed by batch normalization.
    dropout : float, default=0.0
        Dropout probability after each section and each fully connected layer, in [0, 1).

    Raises
    ------
    ValueError
        If `channels` and `kernel_sizes` differ in length.

    References
    ----------
    XRDMatch, Energy & Environmental Science (2024), supporting information, section 1.3.

    Examples
    --------
    >>> import torch
    >>> from skxrd.networks import VGG11
    >>> network = VGG11(n_points=4501, n_classes=2, channels=(4, 4, 8, 8), hidden_units=(16,))
    >>> network(torch.zeros(3, 4501)).shape
    torch.Size([3, 2])
    """

    def __init__(
        self,
        n_points: int,
        n_classes: int,
        *,
        channels: Sequence[int] = (64, 128, 256, 512),
        kernel_sizes: Sequence[int] = (16, 12, 8, 4),
        stride: int = 2,
        hidden_units: Sequence[int] = (1024, 1024, 1024),
        batch_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if len(channels) != len(kernel_sizes):
            raise ValueError(
                "channels and kernel_sizes need one entry per section each, got "
                f"{len(channels)} and {len(kernel_sizes)}."
            )
        features: list[nn.Module] = []
        previous = 1
        for width, kernel_size in zip(channels, kernel_sizes, strict=True):
            for step in (stride, 1):
                features.append(_convolution(previous, width, kernel_size, step))
                features += _optional(nn.BatchNorm2d, width, on=batch_norm)
                features += [nn.ReLU()]
                previous = width
            features += [nn.MaxPool2d((1, 2), ceil_mode=True), *_optional(nn.Dropout, dropout)]
        self.features = nn.Sequential(*features)
        with torch.no_grad():
            training = self.features.training
            size = self.features.eval()(torch.zeros(1, 1, 1, n_points)).numel()
            self.features.train(training)
        layers: list[nn.Module] = []
        for units in hidden_units:
            layers += [nn.Linear(size, units), nn.ReLU(), *_optional(nn.Dropout, dropout)]
            size = units
        self.classifier = nn.Sequential(*layers, nn.Linear(size, n_classes))

    def forward(self, X: Tensor) -> Tensor:
        """Compute the logits of a batch of patterns.

        Parameters
        ----------
        X : Tensor of shape (n_patterns, n_points)
            Patterns.

        Returns
        -------
        Tensor of shape (n_patterns, n_classes)
            Logits.
        """
        return self.classifier(self.features(_as_image(X[:, None])).flatten(1))


class ResNet1d(nn.Module):
    """A small residual network with global pooling: trains in seconds on a CPU.

    Besides the intensity it reads the position on the two-theta axis as a second channel, since
    global pooling would otherwise forget where on the axis a line stands.

    Parameters
    ----------
    n_points : int
        Number of points of a pattern. Pooling makes the weights independent of it.
    n_classes : int
        Number of classes.
    channels : sequence of int, default=(16, 24, 48, 64)
        Channels of the first convolution, then of each residual block.
    kernel_size : int, default=5
        Kernel size of the residual blocks, odd.
    dropout : float, default=0.5
        Dropout probability before the output layer, in [0, 1).
    coordinates : bool, default=True
        Whether the position on the two-theta axis is a second input channel.

    Examples
    --------
    >>> import torch
    >>> from skxrd.networks import ResNet1d
    >>> network = ResNet1d(n_points=901, n_classes=2)
    >>> network(torch.zeros(3, 901)).shape
    torch.Size([3, 2])
    >>> sum(weight.numel() for weight in network.parameters()) < 500_000
    True
    """

    def __init__(
        self,
        n_points: int,
        n_classes: int,
        *,
        channels: Sequence[int] = (16, 24, 48, 64),
        kernel_size: int = 5,
        dropout: float = 0.5,
        coordinates: bool = True,
    ) -> None:
        super().__init__()
        self.coordinates = coordinates
        previous, *widths = channels
        layers: list[nn.Module] = [
            _convolution(1 + coordinates, previous, 9, 4, bias=False),
            nn.BatchNorm2d(previous),
            nn.ReLU(),
        ]
        for width in widths:
            layers.append(_ResidualBlock(previous, width, kernel_size))
            previous = width
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * previous, n_classes))

    def forward(self, X: Tensor) -> Tensor:
        """Compute the logits of a batch of patterns.

        Parameters
        ----------
        X : Tensor of shape (n_patterns, n_points)
            Patterns.

        Returns
        -------
        Tensor of shape (n_patterns, n_classes)
            Logits.
        """
        channels = X[:, None]
        if self.coordinates:
            position = torch.linspace(-1, 1, X.shape[1], dtype=X.dtype, device=X.device)
            channels = torch.cat([channels, position.expand_as(channels)], dim=1)
        features = self.features(_as_image(channels)).flatten(2)
        return self.classifier(torch.cat([features.mean(dim=2), features.amax(dim=2)], dim=1))


class _ResidualBlock(nn.Module):
    """Two convolutions with a shortcut; halves the number of points."""

    def __init__(self, n_in: int, n_out: int, kernel_size: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _convolution(n_in, n_out, kernel_size, 2, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(),
            _convolution(n_out, n_out, kernel_size, 1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        self.shortcut = _convolution(n_in, n_out, 1, 2, bias=False)

    def forward(self, X: Tensor) -> Tensor:
        return torch.relu(self.body(X) + self.shortcut(X))


def _convolution(
    n_in: int, n_out: int, kernel_size: int, stride: int, *, bias: bool = True
) -> nn.Conv2d:
    """Convolution along two-theta, of images of one row."""
    padding = (0, kernel_size // 2)
    layer = nn.Conv2d(n_in, n_out, (1, kernel_size), (1, stride), padding, bias=bias)
    layer.weight.data = layer.weight.data.clone(memory_format=torch.channels_last)
    return layer


def _as_image(X: Tensor) -> Tensor:
    """Channels of patterns, of shape (n_patterns, n_channels, n_points), as images of one row."""
    # Not by memory format, which torch.func.vmap does not know.
    return X.transpose(1, 2).contiguous().transpose(1, 2)[:, :, None]


def _optional(layer: type[nn.Module], argument: float, *, on: bool = True) -> list[nn.Module]:
    return [layer(argument)] if on and argument else []
