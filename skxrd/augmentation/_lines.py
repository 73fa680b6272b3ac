"""Patterns as lists of lines: found on a grid, changed exactly, put back on the grid last."""

from __future__ import annotations

import math
from abc import abstractmethod
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import next_fast_len
from torch import Tensor
from typing_extensions import override

from skxrd.augmentation._base import BaseAugmentation
from skxrd.augmentation._nonzero import nonzero_points
from skxrd.grid import TwoThetaGrid
from skxrd.preprocessing._base import grid_of
from skxrd.simulation._profiles._shapes import profile_kernel

__all__ = ["BaseLineAugmentation", "Lines", "find_lines", "largest_per_row", "put_on_grid"]

_ROWS_AT_ONCE = 256  # patterns that are broadened together: a bound of the memory


class Lines(NamedTuple):
    """The lines of a batch of patterns; arrays have one entry per line."""

    row: Tensor  # int64: the pattern
    position: Tensor  # in grid points from the start of the grid
    intensity: Tensor
    fwhm: Tensor | None  # Lorentzian width in degrees; None where all lines are sharp
    n_rows: int
    grid: TwoThetaGrid

    @property
    def theta(self) -> Tensor:
        """Half the scattering angle in radians."""
        return (self.position * (math.radians(self.grid.step) / 2)).add_(
            math.radians(self.grid.start) / 2
        )

    def per_line(self, per_row: Tensor) -> Tensor:
        """Repeat one number per pattern for each of its lines."""
        return per_row.index_select(0, self.row)

    def moved(self, degrees: Tensor) -> Lines:
        """Lines that are moved along two-theta."""
        return self._replace(position=self.position + degrees / self.grid.step)

    def scaled(self, factor: Tensor) -> Lines:
        """Lines of changed intensity."""
        return self._replace(intensity=self.intensity * factor)

    def broadened(self, degrees: Tensor) -> Lines:
        """Lines that are wider: the widths of two Lorentzians add when they are convolved."""
        return self._replace(fwhm=degrees if self.fwhm is None else self.fwhm + degrees)

    def kept(self, mask: Tensor) -> Lines:
        """Lines without those that are not marked."""
        if mask.all():
            return self
        kept = nonzero_points(mask)
        row, position, intensity = (part.index_select(0, kept) for part in self[:3])
        fwhm = None if self.fwhm is None else self.fwhm.index_select(0, kept)
        return Lines(row, position, intensity, fwhm, self.n_rows, self.grid)


class BaseLineAugmentation(BaseAugmentation):
    """Base class of augmentations that change lines one by one, whatever the grid."""

    grid: TwoThetaGrid | None

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseAugmentation._parameter_constraints,
        "grid": [None, TwoThetaGrid],
    }

    @override
    def _check_n_points(self, n_points: int) -> None:
        grid_of(self.grid, n_points, "grid")

    def augment(self, X: Tensor, generator: torch.Generator | None) -> Tensor:
        """Augment a batch of patterns on its device.

        Parameters
        ----------
        X : Tensor of shape (n_patterns, n_points)
            Patterns; they are not changed.
        generator : torch.Generator
            Source of randomness, on the CPU.

        Returns
        -------
        Tensor of shape (n_patterns, n_points)
            Augmented patterns.
        """
        grid = grid_of(self.grid, X.shape[1], "grid")
        if grid is None or X.numel() == 0:
            return X.clone()
        return put_on_grid(self.augment_lines(find_lines(X, grid), generator))

    @abstractmethod
    def augment_lines(self, lines: Lines, generator: torch.Generator | None) -> Lines:
        """Augment lines, whose grid is given with them.

        Parameters
        ----------
        lines : Lines
            Lines of a batch of patterns; they are not changed.
        generator : torch.Generator
            Source of randomness, on the CPU.

        Returns
        -------
        Lines
            Augmented lines.
        """


def find_lines(X: Tensor, grid: TwoThetaGrid) -> Lines:
    """List the points that are not zero; in a profile that is nearly all of them."""
    flat = X.flatten()
    index = nonzero_points(flat)
    row = index.div(grid.n_points, rounding_mode="floor")
    position = torch.add(index, row, alpha=-grid.n_points).to(X.dtype)
    return Lines(row, position, flat.index_select(0, index), None, len(X), grid)


def largest_per_row(lines: Lines) -> Tensor:
    """Height of the strongest line of each pattern, 0 where there is none."""
    largest = lines.intensity.new_zeros(lines.n_rows)
    return largest.scatter_reduce_(0, lines.row, lines.intensity, reduce="amax")


def put_on_grid(lines: Lines) -> Tensor:
    """Render lines on their grid.

    A line between two points is divided among them, so that its center of mass stays where the line
    is, and its area what it was. A line beyond the ends of the grid is lost. Broadened lines
    become Lorentzian profiles of the same area.
    """
    last = lines.grid.n_points - 1
    if len(lines.row) and (lines.position.min() < 0 or lines.position.max() > last):
        lines = lines.kept((lines.position >= 0) & (lines.position <= last))
    if lines.fwhm is None:
        shape = lines.n_rows, lines.grid.n_points
        return _sticks(lines.row, lines.position, lines.intensity, shape)
    starts = range(0, lines.n_rows, _ROWS_AT_ONCE)
    return torch.cat([_profiles(_rows(lines, start, start + _ROWS_AT_ONCE)) for start in starts])


def _rows(lines: Lines, start: int, stop: int) -> Lines:
    """Lines of some of the patterns, as patterns of their own."""
    if start == 0 and stop >= lines.n_rows:
        return lines
    some = lines.kept((lines.row >= start) & (lines.row < stop))
    return some._replace(row=some.row - start, n_rows=min(stop, lines.n_rows) - start)


def _sticks(row: Tensor, position: Tensor, intensity: Tensor, shape: tuple[int, int]) -> Tensor:
    """Put lines on the points of rows, which are at least as long as the grid."""
    left = position.floor()
    right = intensity * (position - left)
    index = torch.add(left.long(), row, alpha=shape[1])
    sticks = intensity.new_zeros(shape).view(-1)
    sticks.scatter_add_(0, index, intensity - right)
    # A line on the very last point has no share in the point that would follow.
    sticks.scatter_add_(0, index.add_(1).clamp_(max=len(sticks) - 1), right)
    return sticks.view(shape)


def _profiles(lines: Lines) -> Tensor:
    """Make each line a blend of two profiles of a ladder, and convolve the lines of a rung as one.

    Widths change slowly along two-theta: a pattern has lines on three rungs or so, and there is one
    Fourier transform for each of these. The sharp rung needs none.
    """
    n_rows, n_points = lines.n_rows, lines.grid.n_points
    if lines.fwhm is None or not len(lines.row):
        return lines.intensity.new_zeros(n_rows, n_points)
    widths = (lines.fwhm / lines.grid.step).clamp_(max=n_points / 4)  # wider is background
    n_rungs = 1 + max(1, math.ceil(math.log2(max(widths.max().item(), 1.0))))
    size, transfers = _ladder(n_rungs, n_points)
    lower, share = _place_on_ladder(widths, n_rungs)
    # A pair of a rung and a pattern that has lines on it gets a slot, in the order of the rungs.
    pair = torch.add(lines.row, lower, alpha=n_rows)
    used = torch.zeros(n_rungs + 1, n_rows, dtype=torch.bool, device=pair.device)
    used.view(-1)[pair] = True
    used.view(-1)[pair + n_rows] = True
    slot = used.flatten().cumsum(0).sub_(1)
    first, *counts = used.sum(dim=1).tolist()
    sticks = _sticks(
        torch.cat([slot[pair], slot[pair + n_rows]]),
        torch.cat([lines.position, lines.position]),
        torch.cat([lines.intensity * (1 - share), lines.intensity * share]),
        (first + sum(counts), size),
    )
    total = sticks.new_zeros(n_rows, 2 * (size // 2 + 1))
    spectra = torch.view_as_real(torch.fft.rfft(sticks[first:])).flatten(1)
    rungs = zip(used[1:], spectra.split(counts), transfers, strict=True)
    for rows, spectrum, transfer in rungs:
        spectrum.mul_(torch.from_numpy(transfer).to(spectrum))
        total.index_add_(0, nonzero_points(rows), spectrum)
    pattern = torch.fft.irfft(torch.view_as_complex(total.unflatten(1, (-1, 2))), n=size)
    pattern = pattern[:, :n_points].contiguous()
    pattern.index_add_(0, nonzero_points(used[0]), sticks[:first, :n_points])
    # Profiles are positive, and so are patterns, but for rounding in the transforms.
    return pattern if lines.intensity.min() < 0 else pattern.clamp_(min=0)


def _place_on_ladder(widths: Tensor, n_rungs: int) -> tuple[Tensor, Tensor]:
    """Find the rung below each width (in points), and the share of the rung above it.

    Rung 0 is the sharp line, rung k a Lorentzian of 2^(k - 1) points. Two Lorentzians blended
    with this share have the wanted width, and a height that is less than 7 % too low.
    """
    lower = (widths.clamp(min=0.5).log2().floor() + 1).clamp(0, n_rungs - 1)
    ratio = torch.square(widths / 2.0 ** (lower - 1))  # of the width to that of the lower rung
    below, above = 1 / (1 + ratio) - 0.5, (1 / (1 + ratio / 4) - 0.5) / 2
    share = torch.where(lower == 0, widths, below / (below - above))
    return lower.long(), share.clamp(0, 1)


@lru_cache(maxsize=32)
def _ladder(n_rungs: int, n_points: int) -> tuple[int, list[NDArray[np.float64]]]:
    """Transform Lorentzians of 1, 2, 4, ... points for patterns that are padded to a size.

    Around index 0, the transform of a symmetric profile is real; each number is given twice, for
    the real and the imaginary part of what it multiplies.
    """
    kernels = [profile_kernel(2.0**rung, 1.0, eta=1.0) for rung in range(n_rungs)]
    size = n_points + len(kernels[-1]) // 2  # what leaves one end may not reach the other
    size = 64 * next_fast_len(math.ceil(size / 64), real=True)  # powers of two are fast
    transfers = []
    for kernel in kernels:
        profile, half = np.zeros(size), len(kernel) // 2
        profile[: half + 1] = kernel[half:]
        profile[size - half :] = kernel[:half]
        transfers.append(np.fft.rfft(profile).real.repeat(2))
    return size, transfers
