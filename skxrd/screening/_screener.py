"""The table of candidates: votes, nearest known conductor, facts and known labels."""

from __future__ import annotations

import os
import warnings
from numbers import Integral
from typing import Any, Self

import joblib
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted, validate_data

from skxrd._labels import as_labels, encode_labels, labeled_mask
from skxrd._sklearn import HasMethods, Interval, fit_context
from skxrd.ensemble import SemiSupervisedBaggingClassifier
from skxrd.exceptions import ScreeningWarning
from skxrd.screening._batches import screen_batches
from skxrd.screening._chemistry import composition_flags
from skxrd.screening._columns import typed
from skxrd.screening._composition_similarity import CompositionSimilarity
from skxrd.screening._literature import match_labels
from skxrd.screening._pattern_source import PatternSource, open_patterns
from skxrd.screening._rows import Values, check_ids, properties_of, rows_of
from skxrd.screening._similarity import PatternSimilarity
from skxrd.screening._structures import structure_facts
from skxrd.screening._votes import column_of, count_members, ranked, tell_tie

__all__ = ["CandidateScreener"]


class CandidateScreener(BaseEstimator):
    """Rank candidates, and gather what a chemist asks about each of them.

    `fit` remembers the known compounds, that is the labeled rows, and `screen` makes the table: the
    votes of the members, the nearest known conductor, how far the candidate lies from everything
    labeled, and, where formulas, structures, a literature table or properties are given, chemical
    flags, the space group, known labels and those properties. `column_descriptions` explains the
    columns.

    Parameters
    ----------
    classifier : classifier, default=None
        `SemiSupervisedBaggingClassifier` or any classifier with `predict_proba`, which counts as an
        ensemble of one. A fitted one is used as it is; one that is not fitted is cloned and trained
        by `fit`. None stands for ``SemiSupervisedBaggingClassifier()``.
    similarity : transformer, default=None
        Similarity of candidates' patterns to known ones: `fit` takes the known patterns,
        `transform` gives one column for each of them; negative values count as 0. None stands for
        ``PatternSimilarity("pearson")``, see Notes, which takes patterns to reach from 0 to 90
        degrees; for another grid give ``PatternSimilarity("pearson", grid=grid)``.
    positive_class : label, default=1
        Class to be found; 1 is the superionic class in the data sets of skxrd. Known compounds of
        this class are called conductors.
    mobile_ion : str, default="Li"
        Symbol of the element that a candidate must contain.
    batch_size : int, default=1000
        Candidates that are read and judged at a time. Results do not depend on it but for rounding.
    n_jobs : int, default=None
        Number of batches that are judged side by side; None means 1 unless in a
        ``joblib.parallel_config`` context, -1 all processors. The result does not depend on it.
    verbose : int, default=0
        Above 0, show the progress on the standard error stream.

    Attributes
    ----------
    classifier_ : classifier
        The fitted classifier.
    classes_ : ndarray of shape (n_classes,)
        Its classes.
    similarity_ : transformer
        The fitted similarity.
    known_ : DataFrame
        Known compounds: columns "id", "label" and, if given, "formula"; one row per labeled row.
    known_patterns_ : ndarray of float32 of shape (n_known, n_points)
        Their patterns.
    n_members_ : int
        Number of votes that a candidate gets.
    n_features_in_ : int
        Number of points of a pattern.

    See Also
    --------
    screen : The ranking alone.
    CandidateFilter : Rules over the table.
    write_candidates : The table as a file.

    Notes
    -----
    The table is that of the paper's supporting information [1]_, Table S2, and more.

    The default similarity subtracts the mean of each pattern. Without that, a known pattern with
    hundreds of lines has something in common with everything, and becomes the nearest conductor of
    a third of all candidates; centering is the known remedy against such hubs [2]_.

    References
    ----------
    .. [1] XRDMatch, Energy & Environmental Science (2024), supporting information.
    .. [2] I. Suzuki et al., "Centering similarity measures to reduce hubs", Proceedings of EMNLP
       (2013).

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.semi_supervised import SelfTrainingClassifier
    >>> from skxrd import SemiSupervisedBaggingClassifier, TwoThetaGrid
    >>> from skxrd.datasets import make_patterns
    >>> from skxrd.screening import CandidateScreener, PatternSimilarity
    >>> grid = TwoThetaGrid(10, 80, 351)
    >>> X, y = make_patterns(200, grid=grid, labeled_fraction=0.3, random_state=0)
    >>> ensemble = SemiSupervisedBaggingClassifier(
    ...     SelfTrainingClassifier(LogisticRegression()), n_estimators=3, random_state=0
    ... )
    >>> similarity = PatternSimilarity("pearson", grid=grid)
    >>> screener = CandidateScreener(ensemble, similarity=similarity).fit(X, y)
    >>> table = screener.screen(X[y == -1], min_votes=3)
    >>> table.columns.tolist()  # doctest: +NORMALIZE_WHITESPACE
    ['id', 'output_frequency', 'mean_probability', 'probability_std', 'vote_entropy', 'similarity',
     'nearest_conductor', 'novelty']
    """

    _parameter_constraints: dict[str, Any] = {
        "classifier": [HasMethods(["fit", "predict_proba"]), None],
        "similarity": [HasMethods(["fit", "transform"]), None],
        "positive_class": "no_validation",
        "mobile_ion": [str],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        classifier: Any = None,
        *,
        similarity: Any = None,
        positive_class: Any = 1,
        mobile_ion: str = "Li",
        batch_size: int = 1000,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.classifier = classifier
        self.similarity = similarity
        self.positive_class = positive_class
        self.mobile_ion = mobile_ion
        self.batch_size = batch_size
        self.n_jobs = n_jobs
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        ids: Values | None = None,
        formulas: Values | None = None,
    ) -> Self:
        """Remember the known compounds, and train the classifier if it is not fitted.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_points)
            Patterns, as they were or are to be given to the classifier.
        y : array-like of shape (n_samples,)
            Labels; -1, None and NaN mark unlabeled rows, which are only trained on.
        ids : sequence of length n_samples, default=None
            Names of the rows; None stands for their numbers.
        formulas : sequence of str or Composition of length n_samples, default=None
            Chemical formulas of the rows.

        Returns
        -------
        self
            The fitted screener.

        Raises
        ------
        ValueError
            If no row is labeled with the positive class, if the classifier does not know that
            class, if ids occur twice among the labeled rows, or if lengths differ.
        """
        patterns: NDArray[np.float32] = validate_data(self, X, dtype=np.float32)
        labels = as_labels(y)
        known = rows_of(len(patterns), ids=ids, formulas=formulas, expected=len(labels))
        classes, _ = encode_labels(labels, estimator_name=type(self).__name__)
        rows = np.flatnonzero(labeled_mask(labels))
        known = known.iloc[rows]
        check_ids(known["id"], "the known compounds")
        if not np.isin(self.positive_class, classes):
            raise ValueError(
                f"No row of y has the label positive_class={self.positive_class!r}; found "
                f"{classes.tolist()}."
            )
        composition_flags([self.mobile_ion], mobile_ion=self.mobile_ion)  # is it an element?
        self.classifier_ = self._fitted_classifier(patterns, y)
        column_of(self.classifier_, self.positive_class)
        self.classes_ = self.classifier_.classes_
        self.n_members_ = count_members(self.classifier_)
        self.known_ = known.assign(label=list(labels[rows])).reset_index(drop=True)
        self.known_patterns_ = np.array(patterns[rows])
        similarity = PatternSimilarity("pearson") if self.similarity is None else self.similarity
        self.similarity_ = clone(similarity).fit(self.known_patterns_)
        return self

    def _fitted_classifier(self, X: NDArray[np.float32], y: ArrayLike) -> Any:
        if self.classifier is None:
            return SemiSupervisedBaggingClassifier().fit(X, y)
        try:
            check_is_fitted(self.classifier)
        except NotFittedError:
            return clone(self.classifier).fit(X, y)
        n_points = getattr(self.classifier, "n_features_in_", X.shape[1])
        if n_points != X.shape[1]:
            raise ValueError(
                f"The fitted classifier takes patterns of {n_points} points, X has {X.shape[1]}."
            )
        return self.classifier

    def screen(
        self,
        X: ArrayLike | str | os.PathLike[str],
        *,
        ids: Values | None = None,
        formulas: Values | None = None,
        structures: Values | None = None,
        literature: pd.DataFrame | None = None,
        properties: pd.DataFrame | None = None,
        min_votes: int | None = None,
        memory: str | os.PathLike[str] | joblib.Memory | None = None,
    ) -> pd.DataFrame:
        """Make the table of candidates, the most promising ones first.

        Parameters
        ----------
        X : array-like of shape (n_candidates, n_points), str or path-like
            Patterns, also as a memory map, or a ``.npy`` or ``.parquet`` file of them; the columns
            "id" and "formula" of a Parquet file stand in for `ids` and `formulas`. No more than
            a few batches are in memory at a time.
        ids : sequence of length n_candidates, default=None
            Names of the candidates, each its own; None stands for their row numbers.
        formulas : sequence of str or Composition of length n_candidates, default=None
            Chemical formulas, for the flags and the similarity of compositions.
        structures : sequence of structures of length n_candidates, default=None
            Structures as `skxrd.simulation.read_structure` takes them, for the space group and to
            find known labels. Only those of rows that stay in the table are read.
        literature : DataFrame, default=None
            Known labels with the columns "id", "formula" and "label" and, if known, "reference" and
            "structure", see `match_labels`.
        properties : DataFrame, default=None
            Further columns for the table, such as "e_above_hull" (eV/atom), with a column "id".
            Candidates that it does not hold have missing values; a column that the table has
            already is added with the suffix "_given".
        min_votes : int or None, default=None
            Candidates with fewer votes are left out. The paper lists those with at least 5 of 10.
            If none is left, the table is empty.
        memory : str, path-like or joblib.Memory, default=None
            Folder in which the results of each finished batch are stored at once. A call after an
            interruption judges no batch again with the same patterns, classifier and known
            compounds, and returns the same table.

        Returns
        -------
        DataFrame
            One row per candidate, see `column_descriptions`. The index is the rank, from 1, by
            votes, then by mean probability, then as they came.

        Raises
        ------
        FileFormatError
            If a file does not hold patterns.
        NotFittedError
            If the screener was not fitted.
        TypeError
            If `min_votes` is no whole number.
        ValueError
            If lengths differ, if ids occur twice, if patterns hold NaN, are infinite or have
            another number of points than the training rows, if `properties` holds none of the
            candidates, or if a formula cannot be read.

        Warns
        -----
        PatternWarning
            If structures cannot be read.
        ScreeningWarning
            If more than 80 % of at least 100 candidates have the same number of votes.
        """
        check_is_fitted(self)
        self._validate_params()
        source = open_patterns(X)
        self._check_points(source)
        own = source.columns()
        table = rows_of(
            source.n_patterns,
            ids=own.get("id") if ids is None else ids,
            formulas=own.get("formula") if formulas is None else formulas,
            structures=structures,
            expected=source.n_patterns,
        )
        check_ids(table["id"], "the candidates")
        # What is wrong is told before the work.
        if min_votes is not None and not isinstance(min_votes, Integral):
            raise TypeError(f"min_votes must be a whole number or None, got {min_votes!r}.")
        if properties is not None:
            properties = properties_of(table["id"], properties)
        if literature is not None:
            self._look_up(table.iloc[:0], literature)
        judged = screen_batches(
            source,
            classifier=self.classifier_,
            column=column_of(self.classifier_, self.positive_class),
            similarity=self.similarity_,
            is_conductor=np.array(self.known_["label"] == self.positive_class),
            batch_size=self.batch_size,
            memory=memory,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
        table = table.join(judged)
        if tie := tell_tie(table["output_frequency"], self.n_members_):
            warnings.warn(tie, ScreeningWarning, stacklevel=2)
        table = ranked(table, min_votes)
        table = self._add_conductors(table)
        if "structure" in table:
            facts = structure_facts(
                table["structure"].tolist(), n_jobs=self.n_jobs, verbose=self.verbose
            )
            table = table.join(facts.set_index(table.index))
        if "formula" in table:
            flags = composition_flags(table["formula"], mobile_ion=self.mobile_ion)
            table = table.join(flags.set_index(table.index))
        if literature is not None:
            table = table.join(self._look_up(table, literature))
        table = table.drop(columns="structure", errors="ignore")
        if properties is not None:
            twins = {name: f"{name}_given" for name in properties if name in table}
            table = table.join(properties.rename(columns=twins), on="id")
        return typed(table)

    def _check_points(self, source: PatternSource) -> None:
        if source.n_points != self.n_features_in_:
            raise ValueError(
                f"X has patterns of {source.n_points} points, but the screener was fitted on "
                f"patterns of {self.n_features_in_}; skxrd.preprocessing.PatternResampler brings "
                "them to the same grid."
            )

    def _add_conductors(self, table: pd.DataFrame) -> pd.DataFrame:
        known = self.known_.iloc[table.pop("nearest")]
        table["nearest_conductor"] = known["id"].to_numpy()
        if "formula" not in known:
            return table
        table["nearest_conductor_formula"] = known["formula"].to_numpy()
        if "formula" in table:
            similarity = CompositionSimilarity().fit(self.known_["formula"])
            columns = known.index.to_numpy()
            found = np.empty(len(table))
            for start in range(0, len(table), self.batch_size):
                batch = slice(start, start + self.batch_size)
                values = similarity.transform(table["formula"].iloc[batch])
                found[batch] = np.take_along_axis(values, columns[batch, None], axis=1)[:, 0]
            table["composition_similarity"] = found
        return table

    def _look_up(self, table: pd.DataFrame, literature: pd.DataFrame) -> pd.DataFrame:
        with_structures = "structure" in table and "structure" in literature
        matches = match_labels(
            # Without formulas, entries are found by id only.
            table[["id"]].assign(formula=table.get("formula")),
            literature,
            structures=table["structure"].tolist() if with_structures else None,
            known_structures=literature["structure"].tolist() if with_structures else None,
        )
        return matches[["label", "label_source", "label_match"]].set_index(table.index)
