"""The classifier that is composed freely of algorithm, network and transformers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from sklearn.pipeline import Pipeline, make_pipeline
from torch import nn

from skxrd._sklearn import HasMethods, StrOptions
from skxrd.augmentation import PeakElimination, PeakScaling, PeakShift
from skxrd.grid import TwoThetaGrid
from skxrd.networks import ResNet1d
from skxrd.preprocessing import IntensityScaler, PatternResampler, PeakBroadener
from skxrd.semi_supervised._algorithms import BaseAlgorithm, FixMatch
from skxrd.semi_supervised._algorithms._alignment import ClassPrior
from skxrd.semi_supervised._base import BaseSemiSupervisedClassifier, Components
from skxrd.semi_supervised._networks import BatchNormPolicy

__all__ = ["SemiSupervisedClassifier"]

_RENDERED_GRID = TwoThetaGrid(0, 90, 451)
_TRANSFORMER = [None, StrOptions({"passthrough"}), HasMethods(["fit", "transform"])]


class SemiSupervisedClassifier(BaseSemiSupervisedClassifier):
    """Semi-supervised classifier composed of an algorithm, a network and transformers.

    A batch of patterns takes this way: weak or strong augmentation (in training only), then
    rendering (in training and at predict), then the network; the algorithm turns the logits of the
    views into losses. Stick patterns are thus augmented first and broadened last.

    Parameters
    ----------
    algorithm : BaseAlgorithm or None, default=None
        Semi-supervised algorithm; its parameters can be searched as ``algorithm__threshold``. None
        stands for ``FixMatch(unlabeled_weight=0.3)``.
    module : callable or None, default=None
        Class of a torch module: called with ``n_points``, ``n_classes`` and `module_params`, it
        returns a network from patterns to logits. None stands for `skxrd.networks.ResNet1d`.
    module_params : dict or None, default=None
        More arguments of `module`.
    weak_augmentation, strong_augmentation : transformer, "passthrough" or None, default=None
        Random changes of the two views; transformers of `skxrd.augmentation`, any other transformer
        or a pipeline of them. None stands for shifts of up to 0.1 degrees (weak), and of up to 0.5
        degrees with heights varied by half and an eighth of the lines weakened or removed (strong),
        for patterns from 0 to 90 degrees.
    medium_augmentation : transformer, "passthrough" or None, default=None
        Random changes of a view in between, which `SequenceMatch` asks for. None stands for half of
        the strong changes above.
    rendering : transformer, "passthrough" or None, default=None
        What turns augmented patterns into the input of the network: deterministic transformers of
        `skxrd.preprocessing`, any other transformer or a pipeline of them. None stands for a
        broadening by 0.5 degrees, a grid of 0.2 degrees and the square root of the intensity.
    max_epochs : int, default=10
        Number of passes: each visits every unlabeled row once and every labeled row at least once.
    batch_size : int, default=32
        Labeled rows in a batch, at most.
    unlabeled_ratio : int, default=3
        Unlabeled rows in a batch per labeled row of a full batch.
    lr : float, default=3e-4
        Learning rate of AdamW.
    lr_schedule : {"cosine", "fixmatch", "linear"} or None, default=None
        Factor of the learning rate over the progress t of the training: (1 + cos(pi t)) / 2,
        cos(7 pi t / 16) or 1 - t. None keeps it.
    weight_decay : float, default=1e-2
        Weight decay of AdamW.
    max_grad_norm : float or None, default=None
        Norm to which gradients are clipped, above 0. None clips nothing.
    ema_decay : float or None, default=None
        Decay per step of an exponential moving average of weights and buffers, in [0, 1), lower in
        the first steps. With one, the average predicts, and it is the teacher of `MeanTeacher`.
    batch_norm : {"joint", "labeled", "none"}, default="joint"
        How batch normalization sees the views of a batch. ``"joint"``: all together, in one pass.
        ``"labeled"``: each view by itself, and running statistics are those of labeled views.
        ``"none"``: it is replaced by group normalization, so that rows do not influence each other.
        With the last two the weak view needs no gradient, and with the last one, or in a network
        without batch normalization, strong views that count zero are not computed.
    mixed_precision : bool, default=False
        Whether the network computes in bfloat16 where that is safe.
    class_weight : dict, "balanced" or None, default=None
        Weight of each class in the labeled loss; ``"balanced"``: inverse to its frequency.
    logit_adjustment : float, default=0.0
        How many times the logarithm of the class frequencies of the labels is added to the logits
        in the labeled loss, at least 0. With 1 the network learns as if classes were equally
        frequent.
    class_prior : {"labeled", "uniform", "estimate"}, array-like or None, default=None
        Class frequencies of the population that predicted probabilities are adjusted to, in the
        order of the sorted classes. ``"labeled"``: those of the labels. ``"estimate"``: those that
        the EM algorithm finds for the unlabeled rows. None adjusts nothing.
    early_stopping : bool, default=False
        Whether a part of the labeled rows is held out and the training ends when their loss does
        not decrease any more; the weights with the lowest loss are kept.
    validation_fraction : float, default=0.2
        Part of the labeled rows that `early_stopping` holds out, in (0, 1).
    n_iter_no_change : int, default=5
        Epochs without decrease after which `early_stopping` ends the training.
    callbacks : list of (str, skorch callback) or None, default=None
        Callbacks of the training; clones of them are used.
    device : str, default="cpu"
        Device of the training, such as "cuda".
    warm_start : bool, default=False
        Whether another call of `fit`, on the same rows, continues the training up to `max_epochs`
        epochs in total, as if there had been no break. For this the state of optimizer and random
        generators is kept and saved. With `early_stopping` it continues from the weights with the
        lowest loss and counts epochs without decrease anew.
    verbose : int, default=0
        With 1, a progress bar is shown.
    random_state : int, RandomState instance or None, default=None
        Seed of initial weights, dropout, order and augmentations.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes, without the unlabeled marker.
    net_ : skorch.NeuralNetClassifier
        The trained net.
    algorithm_ : BaseAlgorithm
        The algorithm with the state it reached.
    weak_augmentation_, medium_augmentation_, strong_augmentation_, rendering_ : transformer
        The fitted transformers, or "passthrough".
    history_ : list of dict
        For each epoch the losses, and for algorithms with a threshold the mask rate and the
        threshold of each class, averaged over the batches.
    n_iter_ : int
        Number of finished epochs.
    interrupted_ : bool
        Whether the training was interrupted.
    class_prior_ : ndarray of shape (n_classes,)
        Class frequencies that predicted probabilities assume.
    n_features_in_ : int
        Number of points of a pattern.

    See Also
    --------
    XRDMatchClassifier : The method of the XRDMatch paper.
    skxrd.ensemble.SemiSupervisedBaggingClassifier : Ensemble of such classifiers.

    Notes
    -----
    The defaults were chosen on the bundled lithium compounds with 10 + 10 labels, where
    ``benchmarks/default_recipe.py`` compares them with other recipes: whether unlabeled rows help
    depends on how far they resemble the labeled ones, so compare with `Supervised` on your data.

    Examples
    --------
    >>> from skxrd import SemiSupervisedClassifier, TwoThetaGrid
    >>> from skxrd.augmentation import PeakShift
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.preprocessing import PeakBroadener
    >>> grid = TwoThetaGrid(10, 80, 351)
    >>> X, y = make_patterns(120, grid=grid, labeled_fraction=0.2, random_state=0)
    >>> classifier = SemiSupervisedClassifier(
    ...     weak_augmentation=PeakShift(1),
    ...     strong_augmentation=PeakShift(3),
    ...     rendering=PeakBroadener(1.0, grid=grid),
    ...     max_epochs=5,
    ...     random_state=0,
    ... )
    >>> classifier.fit(X, y).predict(X[:3]).shape
    (3,)
    """

    _parameter_constraints = {
        **BaseSemiSupervisedClassifier._parameter_constraints,
        "algorithm": [None, BaseAlgorithm],
        "module": [None, callable],
        "module_params": [None, dict],
        "weak_augmentation": _TRANSFORMER,
        "strong_augmentation": _TRANSFORMER,
        "medium_augmentation": _TRANSFORMER,
        "rendering": _TRANSFORMER,
    }

    def __init__(
        self,
        algorithm: BaseAlgorithm | None = None,
        module: Callable[..., nn.Module] | None = None,
        *,
        module_params: dict[str, Any] | None = None,
        weak_augmentation: Any = None,
        strong_augmentation: Any = None,
        medium_augmentation: Any = None,
        rendering: Any = None,
        max_epochs: int = 10,
        batch_size: int = 32,
        unlabeled_ratio: int = 3,
        lr: float = 3e-4,
        lr_schedule: Literal["cosine", "fixmatch", "linear"] | None = None,
        weight_decay: float = 1e-2,
        max_grad_norm: float | None = None,
        ema_decay: float | None = None,
        batch_norm: BatchNormPolicy = "joint",
        mixed_precision: bool = False,
        class_weight: Any = None,
        logit_adjustment: float = 0.0,
        class_prior: ClassPrior = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.2,
        n_iter_no_change: int = 5,
        callbacks: list[Any] | None = None,
        device: str = "cpu",
        warm_start: bool = False,
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.algorithm = algorithm
        self.module = module
        self.module_params = module_params
        self.weak_augmentation = weak_augmentation
        self.strong_augmentation = strong_augmentation
        self.medium_augmentation = medium_augmentation
        self.rendering = rendering
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.unlabeled_ratio = unlabeled_ratio
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.weight_decay = weight_decay
        self.max_grad_norm = max_grad_norm
        self.ema_decay = ema_decay
        self.batch_norm = batch_norm
        self.mixed_precision = mixed_precision
        self.class_weight = class_weight
        self.logit_adjustment = logit_adjustment
        self.class_prior = class_prior
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.callbacks = callbacks
        self.device = device
        self.warm_start = warm_start
        self.verbose = verbose
        self.random_state = random_state

    def _components(self) -> Components:
        default = _DefaultRecipe(self.n_features_in_)
        return Components(
            algorithm=_or(self.algorithm, default.algorithm),
            module=self.module or ResNet1d,
            module_params=self.module_params or {},
            weak_augmentation=_or(self.weak_augmentation, default.weak_augmentation),
            strong_augmentation=_or(self.strong_augmentation, default.strong_augmentation),
            medium_augmentation=_or(self.medium_augmentation, default.medium_augmentation),
            rendering=_or(self.rendering, default.rendering),
        )


def _or(component: Any, default: Callable[[], Any]) -> Any:
    return default() if component is None else component


class _DefaultRecipe:
    """Defaults of `SemiSupervisedClassifier`, for stick patterns from 0 to 90 degrees."""

    def __init__(self, n_points: int) -> None:
        self.n_points = n_points
        self.points_per_degree = (n_points - 1) / 90

    def algorithm(self) -> FixMatch:
        # At full weight the pseudo-labels of a large pool outvote two dozen labels, and many
        # trainings end with one class for the whole pool (benchmarks/default_recipe.py).
        return FixMatch(unlabeled_weight=0.3)

    def weak_augmentation(self) -> PeakShift:
        return PeakShift(0.1 * self.points_per_degree)

    def medium_augmentation(self) -> Pipeline:
        return self._strong(0.5)

    def strong_augmentation(self) -> Pipeline:
        return self._strong(1)

    def _strong(self, extent: float) -> Pipeline:
        return make_pipeline(
            PeakShift(0.5 * extent * self.points_per_degree),
            PeakScaling(epsilon=0.5 * extent, mode="multiplicative"),
            PeakElimination(0.12 * extent),
        )

    def rendering(self) -> Pipeline:
        steps = [PeakBroadener(0.5), IntensityScaler("sqrt")]
        if self.n_points > _RENDERED_GRID.n_points:
            # Profiles of 0.5 degrees need no finer steps than 0.2 degrees, at a tenth of the cost.
            steps.insert(1, PatternResampler(_RENDERED_GRID))
        return make_pipeline(*steps)
