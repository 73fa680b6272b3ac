"""The classifier with the knobs of the XRDMatch paper."""

from __future__ import annotations

from numbers import Real
from typing import Any, Literal

import numpy as np
from sklearn.pipeline import make_pipeline

from skxrd._sklearn import Interval, StrOptions
from skxrd.augmentation import PeakElimination, PeakScaling, PeakShift
from skxrd.networks import VGG11
from skxrd.preprocessing import IntensityScaler
from skxrd.semi_supervised._algorithms import FlexMatch
from skxrd.semi_supervised._algorithms._alignment import ClassPrior
from skxrd.semi_supervised._base import BaseSemiSupervisedClassifier, Components
from skxrd.semi_supervised._networks import BatchNormPolicy

__all__ = ["XRDMatchClassifier"]


class XRDMatchClassifier(BaseSemiSupervisedClassifier):
    """The semi-supervised classifier of the XRDMatch paper.

    FlexMatch on a `skxrd.networks.VGG11`: the weak view is a peak shift; the strong view is a peak
    shift, scaling and elimination. Each view is divided by its maximum. The paper sets intensities
    below a tenth of the maximum to zero beforehand: put `skxrd.preprocessing.IntensityFloor` before
    this classifier in a pipeline to do the same.

    Parameters
    ----------
    weak_delta : float, default=150
        Largest shift of the weak view in grid points, at least 0.
    strong_delta : float, default=300
        Largest shift of the strong view in grid points, at least 0.
    scaling_fraction : float, default=1.0
        Part of the peaks that are scaled in the strong view, in [0, 1]; the paper's Ws.
    epsilon : float, default=0.12
        Half width of the random scaling factor, in [0, 1].
    elimination_fraction : float, default=0.12
        Part of the peaks that are weakened or removed in the strong view, in [0, 1]; the
        paper's We.
    threshold : float, default=0.95
        Highest confidence threshold of a class, in [0, 1]; the paper's tau.
    warm_up : bool, default=True
        Whether unlabeled rows without a confident prediction keep the thresholds low.
    rescale : {"paper", "chance"}, default="paper"
        From where thresholds are measured, see `FlexMatch`. With two classes both let every
        pseudo-label pass at first; if predictions end in one class, lower `unlabeled_weight`.
    unlabeled_weight : float, default=1.0
        Weight of the unlabeled loss, at least 0.
    unlabeled_ratio : int, default=3
        Unlabeled rows in a batch per labeled row of a full batch; the paper's mu.
    module_params : dict or None, default=None
        Arguments of `skxrd.networks.VGG11`.
    max_epochs : int, default=100
        Number of passes: each visits every unlabeled row once and every labeled row at least once.
    batch_size : int, default=32
        Labeled rows in a batch, at most.
    lr : float, default=3e-4
        Learning rate of AdamW.
    lr_schedule : {"cosine", "fixmatch", "linear"} or None, default=None
        Factor of the learning rate over the progress t of the training: (1 + cos(pi t)) / 2,
        cos(7 pi t / 16) or 1 - t. None keeps it.
    weight_decay : float, default=5e-4
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
        Device of the training, such as "cuda". On patterns of 4,501 points the network wants a GPU.
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
    algorithm_ : FlexMatch
        The algorithm with the state it reached.
    weak_augmentation_, strong_augmentation_, rendering_ : transformer
        The fitted transformers.
    history_ : list of dict
        For each epoch the losses, the mask rate and the threshold of each class, averaged over the
        batches.
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
    SemiSupervisedClassifier : The same machinery, composed freely.

    References
    ----------
    XRDMatch: a semi-supervised learning framework to efficiently discover room temperature lithium
    superionic conductors, Energy & Environmental Science (2024).

    Examples
    --------
    >>> from skxrd import TwoThetaGrid, XRDMatchClassifier
    >>> from skxrd.datasets import make_patterns
    >>> grid = TwoThetaGrid(10, 80, 351)
    >>> X, y = make_patterns(120, n_classes=3, grid=grid, labeled_fraction=0.2, random_state=0)
    >>> small = {
    ...     "channels": (8, 16), "kernel_sizes": (8, 4), "hidden_units": (32,), "batch_norm": True
    ... }
    >>> classifier = XRDMatchClassifier(
    ...     weak_delta=2,
    ...     strong_delta=4,
    ...     max_epochs=8,
    ...     batch_size=8,
    ...     lr=0.003,
    ...     module_params=small,
    ...     random_state=0,
    ... )
    >>> classifier.fit(X, y).predict_proba(X[:3]).shape
    (3, 3)
    """

    _parameter_constraints = {
        **BaseSemiSupervisedClassifier._parameter_constraints,
        "weak_delta": [Interval(Real, 0, None, closed="left")],
        "strong_delta": [Interval(Real, 0, None, closed="left")],
        "scaling_fraction": [Interval(Real, 0, 1, closed="both")],
        "epsilon": [Interval(Real, 0, 1, closed="both")],
        "elimination_fraction": [Interval(Real, 0, 1, closed="both")],
        "threshold": [Interval(Real, 0, 1, closed="both")],
        "warm_up": ["boolean"],
        "rescale": [StrOptions({"chance", "paper"})],
        "unlabeled_weight": [Interval(Real, 0, None, closed="left")],
        "module_params": [None, dict],
    }

    def __init__(
        self,
        *,
        weak_delta: float = 150,
        strong_delta: float = 300,
        scaling_fraction: float = 1.0,
        epsilon: float = 0.12,
        elimination_fraction: float = 0.12,
        threshold: float = 0.95,
        warm_up: bool = True,
        rescale: Literal["paper", "chance"] = "paper",
        unlabeled_weight: float = 1.0,
        unlabeled_ratio: int = 3,
        module_params: dict[str, Any] | None = None,
        max_epochs: int = 100,
        batch_size: int = 32,
        lr: float = 3e-4,
        lr_schedule: Literal["cosine", "fixmatch", "linear"] | None = None,
        weight_decay: float = 5e-4,
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
        self.weak_delta = weak_delta
        self.strong_delta = strong_delta
        self.scaling_fraction = scaling_fraction
        self.epsilon = epsilon
        self.elimination_fraction = elimination_fraction
        self.threshold = threshold
        self.warm_up = warm_up
        self.rescale = rescale
        self.unlabeled_weight = unlabeled_weight
        self.unlabeled_ratio = unlabeled_ratio
        self.module_params = module_params
        self.max_epochs = max_epochs
        self.batch_size = batch_size
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
        return Components(
            algorithm=FlexMatch(self.threshold, self.unlabeled_weight, self.warm_up, self.rescale),
            module=VGG11,
            module_params=self.module_params or {},
            weak_augmentation=PeakShift(self.weak_delta),
            strong_augmentation=make_pipeline(
                PeakShift(self.strong_delta),
                PeakScaling(self.scaling_fraction, self.epsilon),
                PeakElimination(self.elimination_fraction),
            ),
            rendering=IntensityScaler("max"),
        )
