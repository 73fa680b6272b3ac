import numpy as np
import pytest
from scipy import stats

from skxrd.model_selection import (
    average_ranks,
    corrected_resampled_ttest,
    friedman_test,
    holm_correction,
    nemenyi_critical_difference,
)


class TestCorrectedResampledTTest:
    def test_by_hand(self):
        # mean 1/4, variance 1/60, (1/4 + 10/90) / 60 = 13/2160
        result = corrected_resampled_ttest([0.1, 0.2, 0.3, 0.4], n_train=90, n_test=10)
        error = np.sqrt(13 / 2160)
        assert result.statistic == pytest.approx(0.25 / error, rel=1e-12)
        assert result.standard_error == pytest.approx(error, rel=1e-12)
        assert result.mean == pytest.approx(0.25)
        # 3.18245 is the tabulated quantile 0.975 of Student's t with 3 degrees of freedom.
        assert result.low == pytest.approx(0.25 - 3.18245 * error, abs=1e-6)
        assert result.high == pytest.approx(0.25 + 3.18245 * error, abs=1e-6)
        assert result.pvalue == pytest.approx(2 * stats.t(3).sf(0.25 / error), rel=1e-12)

    def test_without_correction_it_is_the_plain_test(self, rng):
        d = rng.normal(0.1, 1, 12)
        expected = stats.ttest_1samp(d, 0)
        result = corrected_resampled_ttest(d, n_train=1, n_test=0)
        assert result.statistic == pytest.approx(expected.statistic)
        assert result.pvalue == pytest.approx(expected.pvalue)
        low, high = expected.confidence_interval(0.9)
        wide = corrected_resampled_ttest(d, n_train=1, n_test=0, confidence_level=0.9)
        assert (wide.low, wide.high) == pytest.approx((low, high))

    def test_interval_and_p_value_agree(self, rng):
        for _ in range(50):
            d = rng.normal(0.5, 1, 10)
            result = corrected_resampled_ttest(d, n_train=40, n_test=10)
            assert (result.pvalue < 0.05) == (result.low > 0 or result.high < 0)

    @pytest.mark.parametrize(
        ("differences", "pvalue", "statistic"),
        [([0.0] * 5, 1.0, 0.0), ([0.1] * 10, 0.0, np.inf), ([-0.1] * 10, 0.0, -np.inf)],
    )
    def test_differences_that_do_not_vary(self, differences, pvalue, statistic):
        result = corrected_resampled_ttest(differences, n_train=40, n_test=10)
        assert (result.pvalue, result.statistic) == (pvalue, statistic)
        assert result.low == result.high == pytest.approx(differences[0])

    @pytest.mark.parametrize("test_fraction", [0.1, 0.5])
    def test_rate_of_false_alarms(self, rng, test_fraction):
        """Two equally good methods, judged on overlapping random test sets of one data set each."""
        n_sets, n_rows, n_splits = 1500, 100, 30
        n_test = int(test_fraction * n_rows)
        right = rng.random((2, n_sets, n_rows)) < 0.8
        d = right[0].astype(float) - right[1]
        rows = rng.random((n_sets, n_splits, n_rows)).argsort(axis=-1)[..., :n_test]
        differences = np.take_along_axis(d[:, None], rows, axis=-1).mean(axis=-1)

        def false_alarms(n_test):
            tests = (
                corrected_resampled_ttest(row, n_train=n_rows - test_size, n_test=n_test)
                for row in differences
            )
            return np.mean([test.pvalue < 0.05 for test in tests])

        test_size = n_test
        assert 0.035 < false_alarms(n_test) < 0.065  # standard error of a rate of 0.05: 0.006
        assert false_alarms(0) > 0.3

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("n_train_per_class", "plain", "corrected"),
        [
            (54, (0.15, 0.40), (0.02, 0.09)),  # 10 % of the rows are tested
            (10, (0.45, 0.75), (0.00, 0.03)),  # LabelDraw: very safe, and blind for what is small
        ],
    )
    def test_rate_of_false_alarms_of_trained_methods(
        self, rng, n_train_per_class, plain, corrected
    ):
        """Nearest centroids on one or the other of two blocks of equally distributed features."""
        y = np.repeat([0, 1], 60)
        alarms = {"plain": 0, "corrected": 0}
        for _ in range(400):
            blocks = rng.normal(size=(2, 120, 5)) + 0.5 * y[:, None]
            differences = []
            for _ in range(20):
                drawn = [rng.permutation(60)[:n_train_per_class] + 60 * label for label in (0, 1)]
                tested = np.setdiff1d(np.arange(120), drawn)
                right = []
                for block in blocks:
                    distances = [
                        ((block[tested] - block[rows].mean(axis=0)) ** 2).sum(axis=1)
                        for rows in drawn
                    ]
                    right.append((np.argmin(distances, axis=0) == y[tested]).mean())
                differences.append(right[0] - right[1])
            for name, n_test in (("plain", 0), ("corrected", len(tested))):
                result = corrected_resampled_ttest(
                    differences, n_train=120 - len(tested), n_test=n_test
                )
                alarms[name] += result.pvalue < 0.05
        assert plain[0] < alarms["plain"] / 400 < plain[1]
        assert corrected[0] <= alarms["corrected"] / 400 < corrected[1]

    def test_errors(self):
        for wrong in ([0.1], [[0.1, 0.2]], [0.1, np.nan], [0.1, np.inf]):
            with pytest.raises(ValueError, match="at least two finite numbers"):
                corrected_resampled_ttest(wrong, n_train=9, n_test=1)
        with pytest.raises(ValueError, match="'n_train' parameter"):
            corrected_resampled_ttest([1, 2], n_train=0, n_test=1)


class TestHolm:
    def test_by_hand(self):
        # sorted: 4 x 0.005, 3 x 0.01, 2 x 0.03, 1 x 0.04 -> 0.02, 0.03, 0.06, 0.06 (no step down)
        found = holm_correction([0.01, 0.04, 0.03, 0.005])
        np.testing.assert_allclose(found, [0.03, 0.06, 0.06, 0.02])

    def test_is_at_most_one_and_keeps_the_order(self, rng):
        p = rng.uniform(size=30)
        found = holm_correction(p)
        assert (found >= p).all()
        assert found.max() <= 1
        assert (np.diff(found[p.argsort()]) >= 0).all()
        np.testing.assert_array_equal(holm_correction([0.3]), [0.3])

    def test_rejects_what_the_sequential_procedure_rejects(self, rng):
        for _ in range(50):
            p = rng.beta(0.5, 5, size=8)
            rejected, level = set(), 0.05
            for step, test in enumerate(p.argsort()):
                if p[test] > level / (8 - step):
                    break
                rejected.add(test)
            assert set(np.flatnonzero(holm_correction(p) <= level)) == rejected

    def test_errors(self):
        for wrong in ([1.2], [-0.1], [np.nan], [[0.1]]):
            with pytest.raises(ValueError, match="numbers from 0 to 1"):
                holm_correction(wrong)


class TestRanks:
    def test_by_hand(self):
        ranks = average_ranks([[0.9, 0.8, 0.7], [0.5, 0.9, 0.5], [0.6, 0.6, 0.6]])
        np.testing.assert_allclose(ranks, [(1 + 2.5 + 2) / 3, (2 + 1 + 2) / 3, (3 + 2.5 + 2) / 3])

    def test_friedman_by_hand(self, rng):
        # Demšar's formulas, for a table without ties
        scores = rng.normal(size=(14, 4))
        n, k = scores.shape
        ranks = average_ranks(scores)
        statistic = 12 * n / (k * (k + 1)) * (np.sum(ranks**2) - k * (k + 1) ** 2 / 4)
        f_statistic = (n - 1) * statistic / (n * (k - 1) - statistic)
        result = friedman_test(scores)
        assert result.statistic == pytest.approx(statistic)
        assert result.pvalue == pytest.approx(stats.chi2(k - 1).sf(statistic))
        assert result.f_statistic == pytest.approx(f_statistic)
        assert result.f_pvalue == pytest.approx(stats.f(k - 1, (k - 1) * (n - 1)).sf(f_statistic))

    def test_extremes(self):
        assert friedman_test(np.ones((5, 3))) == (0, 1, 0, 1)
        perfect = friedman_test(np.tile([3.0, 2.0, 1.0], (5, 1)))
        assert perfect.f_statistic == np.inf
        assert perfect.f_pvalue == 0
        assert perfect.statistic == pytest.approx(10)  # n (k - 1)

    # Demšar (2006), table 5(a): critical values of the two-tailed Nemenyi test
    @pytest.mark.parametrize(
        ("alpha", "published"),
        [
            (0.05, [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]),
            (0.10, [1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920]),
        ],
    )
    def test_critical_values_as_published(self, alpha, published):
        for n_methods, expected in zip(range(2, 11), published, strict=True):
            scale = np.sqrt(n_methods * (n_methods + 1) / 6)
            found = nemenyi_critical_difference(n_methods, 1, alpha=alpha) / scale
            assert found == pytest.approx(expected, abs=1.1e-3)

    def test_critical_difference_of_the_worked_example(self):
        # Demšar (2006), section 3.2.4: four algorithms on 14 data sets
        assert round(nemenyi_critical_difference(4, 14), 2) == 1.25
        assert round(nemenyi_critical_difference(4, 14, alpha=0.10), 2) == 1.12

    def test_errors(self):
        with pytest.raises(ValueError, match="table of finite numbers"):
            average_ranks([[0.1, np.nan]])
        with pytest.raises(ValueError, match="table of finite numbers"):
            average_ranks([0.1, 0.2])
        with pytest.raises(ValueError, match=r"three methods; scores has shape \(5, 2\)"):
            friedman_test(np.ones((5, 2)))
        with pytest.raises(ValueError, match="'n_methods' parameter"):
            nemenyi_critical_difference(1, 14)
