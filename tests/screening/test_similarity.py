import sys

import numpy as np
import pytest
from pymatgen.core import Composition, Lattice, Structure
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics.pairwise import cosine_similarity

from skxrd import PatternSimulator, TwoThetaGrid
from skxrd.datasets import load_lithium_conductors, make_patterns
from skxrd.exceptions import InvalidStructureError, MissingDependencyError
from skxrd.preprocessing import IntensityScaler, PeakBroadener
from skxrd.screening import CompositionSimilarity, PatternSimilarity, StructureSimilarity
from skxrd.screening._strain_axis import strain_axis

GRID = TwoThetaGrid(10, 80, 1401)
X, _ = make_patterns(40, grid=GRID, labeled_fraction=1.0, random_state=0)
KNOWN, CANDIDATES = X[:7], X[7:]
METRICS = ["cosine", "pearson", "shifted_cosine", "strained_cosine"]


def pattern_similarity(metric="cosine", **parameters):
    return PatternSimilarity(metric, grid=GRID, **parameters).fit(KNOWN)


def rendered(X, fwhm=0.5, intensity="sqrt"):
    broadened = PeakBroadener(fwhm, grid=GRID).fit_transform(np.asarray(X, dtype=float))
    return IntensityScaler(intensity).fit_transform(broadened)


def moved(X, n_points):
    """Move patterns to higher angles; what leaves the grid is lost."""
    result = np.zeros_like(X)
    result[:, n_points:] = X[:, : X.shape[1] - n_points]
    return result


class TestPatternSimilarity:
    @pytest.mark.parametrize("intensity", ["max", "sqrt", "log"])
    @pytest.mark.parametrize("fwhm", [0.0, 0.3])
    def test_cosine_is_that_of_rendered_patterns(self, intensity, fwhm):
        found = pattern_similarity(fwhm=fwhm, intensity=intensity).transform(CANDIDATES)
        expected = cosine_similarity(
            rendered(CANDIDATES, fwhm, intensity), rendered(KNOWN, fwhm, intensity)
        )
        np.testing.assert_allclose(found, expected, atol=2e-3)  # float32 by Fourier transform
        assert found.dtype == np.float32
        assert found.shape == (33, 7)

    def test_pearson_is_the_correlation(self):
        found = pattern_similarity("pearson").transform(CANDIDATES)
        expected = np.corrcoef(rendered(CANDIDATES), rendered(KNOWN))[:33, 33:]
        np.testing.assert_allclose(found, expected, atol=2e-3)
        assert found.min() < 0

    @pytest.mark.parametrize("metric", METRICS)
    def test_a_pattern_is_the_same_as_itself_in_any_unit(self, metric):
        found = pattern_similarity(metric).transform(KNOWN * np.arange(1, 8)[:, None])
        np.testing.assert_allclose(found.diagonal(), 1, atol=1e-5)
        assert (found.argmax(axis=1) == np.arange(7)).all()
        lowest = -1 if metric == "pearson" else 0
        assert found.min() >= lowest
        assert found.max() <= 1

    @pytest.mark.parametrize("shift", [-4, -1, 0, 3, 4])
    def test_shift_within_reach_is_undone(self, shift):
        inside = KNOWN.copy()
        inside[:, :60] = inside[:, -60:] = 0  # nothing falls off the grid
        similarity = PatternSimilarity("shifted_cosine", grid=GRID).fit(inside)
        shifted = moved(inside, shift) if shift >= 0 else moved(inside[:, ::-1], -shift)[:, ::-1]
        np.testing.assert_allclose(similarity.transform(shifted).diagonal(), 1, atol=1e-4)

    def test_shift_out_of_reach_is_not(self):
        similarity = pattern_similarity("shifted_cosine", max_shift=0.2)  # four points of GRID
        at_reach, beyond = (
            similarity.transform(moved(KNOWN, n_points)).diagonal() for n_points in (4, 9)
        )
        assert (beyond < at_reach - 0.01).all()

    def test_shift_of_nothing_is_the_cosine(self):
        np.testing.assert_array_equal(
            pattern_similarity("shifted_cosine", max_shift=0.0).transform(CANDIDATES),
            pattern_similarity("cosine").transform(CANDIDATES),
        )

    def test_largest_cosine_over_all_shifts(self):
        found = pattern_similarity("shifted_cosine", fwhm=0.0, max_shift=0.1).transform(CANDIDATES)
        known, candidates = rendered(KNOWN, 0), rendered(CANDIDATES, 0)
        norms = np.linalg.norm(candidates, axis=1)[:, None] * np.linalg.norm(known, axis=1)
        by_shift = []
        for n_points in (-2, -1, 0, 1, 2):
            view = moved(known, n_points) if n_points >= 0 else known[:, ::-1]
            view = view if n_points >= 0 else moved(view, -n_points)[:, ::-1]
            by_shift.append(candidates @ view.T / norms)
        np.testing.assert_allclose(found, np.max(by_shift, axis=0), atol=1e-6)

    def test_reach_ends_with_the_grid(self):
        similarity = PatternSimilarity("shifted_cosine", fwhm=0.0, max_shift=90.0).fit(np.eye(3))
        np.testing.assert_array_equal(similarity.transform(np.eye(3)), np.ones((3, 3)))

    @pytest.mark.parametrize("metric", METRICS)
    def test_empty_patterns_are_like_nothing(self, metric):
        empty = np.zeros((1, GRID.n_points))
        found = pattern_similarity(metric).transform(np.concatenate([empty, CANDIDATES]))
        assert (found[0] == 0).all()
        assert np.isfinite(found).all()
        to_empty = PatternSimilarity(metric, grid=GRID).fit(empty).transform(CANDIDATES)
        assert (to_empty == 0).all()

    def test_constant_patterns_do_not_correlate(self):
        constant = np.full((1, GRID.n_points), 3.7)
        assert (pattern_similarity("pearson", fwhm=0.0).transform(constant) == 0).all()

    def test_negative_intensities_give_no_negative_cosine(self):
        found = pattern_similarity(intensity="max").transform(-CANDIDATES)
        assert (found == 0).all()

    @pytest.mark.parametrize("metric", METRICS)
    def test_batches_make_no_difference(self, metric):
        many = np.tile(CANDIDATES, (9, 1))  # more rows than a batch
        found = pattern_similarity(metric).transform(many)
        alone = pattern_similarity(metric).transform(many[-3:])
        np.testing.assert_allclose(found[-3:], alone, atol=1e-6)

    @pytest.mark.parametrize("metric", ["cosine", "strained_cosine"])
    @pytest.mark.parametrize("dtype", ["float32", "float64", "uint16"])
    def test_memory_maps_of_any_type(self, tmp_path, dtype, metric):
        counts = (CANDIDATES * 100).round().astype(dtype)
        np.save(tmp_path / "X.npy", counts)
        mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
        similarity = pattern_similarity(metric)
        np.testing.assert_array_equal(similarity.transform(mapped), similarity.transform(counts))

    @pytest.mark.parametrize("metric", ["cosine", "strained_cosine"])
    def test_a_large_memory_map_is_read_in_batches(self, tmp_path, metric):
        import tracemalloc

        mapped = np.lib.format.open_memmap(
            tmp_path / "X.npy", mode="w+", dtype=np.uint8, shape=(8000, GRID.n_points)
        )
        mapped[:] = np.tile(KNOWN.astype(np.uint8), (1143, 1))[:8000]
        similarity = pattern_similarity(metric)
        tracemalloc.start()
        similarity.transform(mapped)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < mapped.size / 2  # 11 MB at 8000 rows; a float32 copy would take 45 MB

    def test_input_stays_as_it_is(self):
        known, candidates = KNOWN.copy(), CANDIDATES.copy()
        PatternSimilarity("pearson", grid=GRID).fit(known).transform(candidates)
        np.testing.assert_array_equal(known, KNOWN)
        np.testing.assert_array_equal(candidates, CANDIDATES)

    def test_names_of_the_output(self):
        names = pattern_similarity().get_feature_names_out()
        assert names.tolist() == [f"patternsimilarity{number}" for number in range(7)]

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"metric": "euclidean"}, "'metric' parameter"),
            ({"fwhm": -0.1}, "'fwhm' parameter"),
            ({"intensity": "cube"}, "'intensity' parameter"),
            ({"max_shift": -1}, "'max_shift' parameter"),
            ({"max_strain": -0.01}, "'max_strain' parameter"),
            ({"max_strain": None}, "'max_strain' parameter"),
            ({"grid": TwoThetaGrid(10, 80, 11)}, "grid has 11 points"),
        ],
    )
    def test_bad_parameters(self, parameters, message):
        with pytest.raises(ValueError, match=message):
            PatternSimilarity(**parameters).fit(KNOWN)

    @pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
    def test_values_that_are_not_finite(self, value):
        bad = CANDIDATES.astype(float)
        bad[5, 3] = value
        with pytest.raises(ValueError, match=r"X contains (NaN|infinity)"):
            pattern_similarity().transform(bad)
        with pytest.raises(ValueError, match=r"X contains (NaN|infinity)"):
            PatternSimilarity(grid=GRID).fit(bad)

    def test_other_number_of_points(self):
        with pytest.raises(ValueError, match="1400 features"):
            pattern_similarity().transform(CANDIDATES[:, 1:])

    def test_not_fitted(self):
        with pytest.raises(NotFittedError):
            PatternSimilarity().transform(CANDIDATES)


FINE = TwoThetaGrid(0, 90, 4501)


def strained_patterns(strains, name="Li6PS5Cl-216", **parameters):
    """Patterns of one bundled structure with a longer (or shorter) lattice."""
    data = load_lithium_conductors()
    structures = [data.structures[data.ids.index(name)].copy() for _ in strains]
    for structure, strain in zip(structures, strains, strict=True):
        structure.apply_strain(strain)
    return PatternSimulator(FINE, **parameters).fit_transform(structures)


class TestStrainedCosine:
    @pytest.mark.parametrize(
        ("name", "strain", "wavelength", "fwhm"),
        [
            ("Li6PS5Cl-216", 0.01, "CuKa", 0.5),
            ("Li6PS5Cl-216", -0.01, "CuKa", 0.5),
            ("Li6PS5Cl-216", 0.01, "MoKa1", 0.25),
            ("Li7La3Zr2O12-230", 0.01, "CuKa", 0.5),
        ],
    )
    def test_a_strained_lattice_is_the_same(self, name, strain, wavelength, fwhm):
        X = strained_patterns([0.0, strain], name, wavelength=wavelength)
        plain, found = (
            PatternSimilarity(metric, fwhm=fwhm).fit(X[:1]).transform(X[1:]).item()
            for metric in ("cosine", "strained_cosine")
        )
        assert plain < 0.75
        assert found > 0.99

    def test_bromide_is_the_chloride_with_a_longer_cell(self):
        data = load_lithium_conductors()
        names = ["Li6PS5Cl-216", "Li6PS5Br-216", "Li7La3Zr2O12-230"]
        structures = [data.structures[data.ids.index(name)] for name in names]
        X = PatternSimulator(FINE).fit_transform(structures)
        bromide, garnet = PatternSimilarity("strained_cosine").fit(X[:1]).transform(X[1:]).ravel()
        assert bromide > 0.9
        assert garnet < 0.5

    def test_strain_beyond_reach_is_not_forgiven(self):
        X = strained_patterns([0.0, 0.019, 0.03, 0.05])
        within, beyond, far = (
            PatternSimilarity("strained_cosine", max_strain=0.02).fit(X[:1]).transform(X[1:])
        )
        assert within > 0.99
        assert beyond < 0.8
        assert far < 0.5
        wide = PatternSimilarity("strained_cosine", max_strain=0.05).fit(X[:1]).transform(X[1:])
        assert wide.min() > 0.98

    def test_similarity_grows_with_the_largest_strain_up_to_1(self):
        found = np.stack(
            [
                pattern_similarity("strained_cosine", max_strain=strain).transform(CANDIDATES)
                for strain in (0.0, 0.005, 0.01, 0.02, 0.05)
            ]
        )
        assert (np.diff(found, axis=0) >= 0).all()
        assert found[-1].mean() > found[0].mean() + 0.01
        assert found.min() >= 0
        assert found.max() <= 1

    def test_no_strain_is_nearly_the_cosine(self):
        found = pattern_similarity("strained_cosine", max_strain=0.0).transform(CANDIDATES)
        expected = pattern_similarity("cosine").transform(CANDIDATES)
        np.testing.assert_allclose(found, expected, atol=0.01)
        assert np.ptp(expected) > 0.1

    def test_either_may_be_the_longer_one(self):
        X = strained_patterns([-0.01, 0.0, 0.02])
        found = PatternSimilarity("strained_cosine").fit_transform(X)
        np.testing.assert_allclose(found, found.T, atol=1e-5)

    def test_intensity_below_5_degrees_is_dropped(self):
        lines = FINE.bin([20, 50], [100, 30])
        others = np.stack([FINE.bin([3], [500]), FINE.bin([3, 20, 50], [50, 100, 30])])
        found = PatternSimilarity("strained_cosine").fit([lines]).transform(others)
        np.testing.assert_allclose(found.ravel(), [0, 1], atol=1e-6)

    def test_sticks_lose_nothing(self):
        axis, _ = strain_axis(FINE)
        integral = np.eye(len(FINE.two_theta))[260:4490] @ (axis.T @ _interval_lengths(axis))
        np.testing.assert_allclose(integral, FINE.step, rtol=1e-4)

    @pytest.mark.parametrize("grid", [FINE, GRID, TwoThetaGrid(0, 180, 3601)])
    def test_scalar_products_are_those_of_two_theta(self, grid):
        axis, _ = strain_axis(grid)
        angles = grid.two_theta
        a, b = (np.exp(-(((angles - center) / 3) ** 2)) for center in (40, 42))
        assert (axis @ a) @ (axis @ b) == pytest.approx(a @ b * grid.step, rel=0.01)

    @pytest.mark.parametrize("angle", [12.0, 30.0, 80.0])
    def test_every_line_moves_by_the_same_distance(self, angle):
        axis, step = strain_axis(FINE)
        moved_to = 2 * np.degrees(np.arcsin(np.sin(np.radians(angle / 2)) / 1.02))
        u = np.arange(axis.shape[0]) * step
        widths = _interval_lengths(axis)
        before, after = (
            np.average(
                u, weights=widths * (axis @ np.exp(-(((FINE.two_theta - center) / 0.3) ** 2)))
            )
            for center in (angle, moved_to)
        )
        assert before - after == pytest.approx(np.log(1.02), abs=2e-4)

    @pytest.mark.parametrize("n_points", [2, 3, 10])
    def test_coarse_grids(self, n_points):
        found = PatternSimilarity("strained_cosine", fwhm=0.0).fit_transform(np.eye(n_points))
        assert np.isfinite(found).all()

    def test_reach_ends_with_the_axis(self):
        found = pattern_similarity("strained_cosine", max_strain=1e9).transform(CANDIDATES[:2])
        assert found.max() <= 1

    def test_grids_that_end_too_early(self):
        similarity = PatternSimilarity("strained_cosine", grid=TwoThetaGrid(0, 5, 11))
        with pytest.raises(ValueError, match=r"goes beyond 5 degrees two-theta, got TwoThetaGrid"):
            similarity.fit(np.eye(11))
        with pytest.raises(ValueError, match=r"1 feature\(s\)"):
            PatternSimilarity("strained_cosine").fit([[1.0]])


def _interval_lengths(axis):
    """Square roots of the lengths in degrees of the intervals of the axis."""
    return axis @ np.ones(axis.shape[1])


class TestCompositionSimilarity:
    def test_overlap_is_the_fraction_of_shared_atoms(self):
        similarity = CompositionSimilarity().fit(["LiCl", "Li3N", "NaBr"])
        np.testing.assert_allclose(similarity.transform(["LiBr"]), [[0.5, 0.5, 0.5]])
        np.testing.assert_allclose(
            similarity.transform(["Li2S", "LiCl"]), [[0.5, 2 / 3, 0], [1, 0.5, 0]], atol=1e-7
        )

    def test_cosine(self):
        found = CompositionSimilarity("cosine").fit(["Li3N"]).transform(["LiCl", "Li6N2", "NaBr"])
        np.testing.assert_allclose(found.ravel(), [3 / np.sqrt(20), 1, 0], atol=1e-6)

    @pytest.mark.parametrize("metric", ["overlap", "cosine"])
    def test_bundled_compounds(self, metric):
        formulas = load_lithium_conductors().frame["formula"]
        found = CompositionSimilarity(metric).fit(formulas).transform(formulas)
        assert found.dtype == np.float32
        assert found.min() >= 0
        assert found.max() <= 1
        np.testing.assert_allclose(found.diagonal(), 1, atol=1e-6)
        np.testing.assert_allclose(found, found.T, atol=1e-6)

    def test_units_and_charges_do_not_matter(self):
        forms = ["Li2O", "Li4O2", Composition("Li2O"), Composition({"Li+": 2, "O2-": 1})]
        np.testing.assert_allclose(CompositionSimilarity().fit(["Li2O"]).transform(forms), 1)

    def test_deuterium_is_hydrogen(self):
        assert CompositionSimilarity().fit(["LiH"]).transform(["LiD"]).item() == 1

    def test_more_formulas_than_a_batch(self):
        formulas = ["LiCl", "Li3N", "NaBr"] * 700
        found = CompositionSimilarity().fit(["LiCl", "NaBr"]).transform(formulas)
        np.testing.assert_array_equal(found, np.tile([[1, 0], [0.5, 0], [0, 1]], (700, 1)))

    @pytest.mark.parametrize(
        ("formulas", "message"),
        [
            (["LiCl", "foo"], r"'foo' \(row 1\) is no chemical formula"),
            (["LiCl", ""], r"'' \(row 1\) is no chemical formula"),
            (["LiCl", "LiXx"], r"'LiXx' \(row 1\) is no chemical formula.*unknown elements"),
            (["LiCl", "Li0"], r"'Li0' \(row 1\) is no chemical formula"),
            (["LiCl", float("nan")], r"nan \(row 1\) is no chemical formula"),
            (["LiCl", ["Li"]], r"\['Li'\] \(row 1\) is no chemical formula"),
            ([], "At least one formula is needed"),
            ("LiCl", "A sequence of formulas is needed, got the single formula 'LiCl'"),
        ],
    )
    def test_bad_formulas(self, formulas, message):
        with pytest.raises(ValueError, match=message):
            CompositionSimilarity().fit(formulas)
        with pytest.raises(ValueError, match=message):
            CompositionSimilarity().fit(["LiCl"]).transform(formulas)

    def test_bad_metric(self):
        with pytest.raises(ValueError, match="'metric' parameter"):
            CompositionSimilarity("jaccard").fit(["LiCl"])

    def test_not_fitted(self):
        with pytest.raises(NotFittedError):
            CompositionSimilarity().transform(["LiCl"])


def rock_salt(a=5.0, cation="Na", anion="Cl"):
    sites = [[0, 0, 0], [0.5, 0.5, 0.5]]
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), [cation, anion], sites)


def cesium_chloride():
    return Structure(Lattice.cubic(4.12), ["Cs", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


class TestStructureSimilarity:
    @pytest.mark.parametrize("metric", ["distance", "cosine"])
    def test_isostructural_compounds_are_the_same(self, metric):
        similarity = StructureSimilarity(metric).fit([rock_salt(5.64)])
        found = similarity.transform([rock_salt(4.21, "Mg", "O"), cesium_chloride()])
        assert found.dtype == np.float32
        assert found[0, 0] == pytest.approx(1, abs=1e-4)
        assert found[1, 0] < found[0, 0] - 0.01

    def test_choice_of_the_cell_makes_no_difference(self):
        salt = rock_salt()
        others = [salt.get_primitive_structure(), salt * (2, 1, 1)]
        others.append(salt.copy().translate_sites(range(8), [0.1, 0.2, 0.3]))
        found = StructureSimilarity().fit([salt]).transform(others)
        np.testing.assert_allclose(found, 1, atol=1e-3)

    def test_metrics_are_functions_of_each_other(self):
        structures = load_lithium_conductors().structures[:12]
        cosine = StructureSimilarity("cosine").fit_transform(structures)
        distance = StructureSimilarity().fit_transform(structures)
        expected = 1 / (1 + np.sqrt(np.clip(2 - 2 * cosine.astype(float), 0, None)))
        np.testing.assert_allclose(distance, expected, atol=2e-3)
        assert distance.min() >= 1 / (1 + np.sqrt(2)) - 1e-6
        np.testing.assert_array_equal(distance.diagonal(), 1)

    def test_mobile_ions_count_only_if_asked_for(self):
        full = rock_salt(5.0, "Li", "O")
        anions = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.0), ["O"], [[0.5, 0.5, 0.5]])
        assert StructureSimilarity().fit([full]).transform([anions]).item() == 1
        assert StructureSimilarity(sites="all").fit([full]).transform([anions]).item() < 0.9
        sodium = StructureSimilarity(mobile_ion="Na").fit([full])
        assert sodium.transform([anions]).item() < 0.9

    def test_disorder_is_reported_and_ordered(self):
        ordered = rock_salt(5.0, "Mg", "O")
        mixed = Structure.from_spacegroup(
            "Fm-3m",
            Lattice.cubic(5.0),
            [{"Mg": 0.4, "Ca": 0.3, "Li": 0.3}, "O"],
            [[0, 0, 0], [0.5, 0.5, 0.5]],
        )
        split = Structure.from_spacegroup(
            "Fm-3m",
            Lattice.cubic(5.0),
            ["Mg", "O", {"Ca": 0.1}],  # less than half full
            [[0, 0, 0], [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]],
        )
        similarity = StructureSimilarity().fit([ordered])
        assert similarity.n_disordered_ == 0
        np.testing.assert_array_equal(similarity.transform([mixed, ordered, split]), 1)
        assert similarity.n_disordered_ == 2

    def test_most_electronegative_element_stands_in_for_an_anion(self):
        similarity = StructureSimilarity().fit([rock_salt(5.0, "La", "N")])
        found = similarity.transform([rock_salt(5.9, "La", "P"), rock_salt(5.9, "P", "La")])
        np.testing.assert_allclose(found, 1, atol=1e-4)  # rock salt looks the same from both

    @pytest.mark.parametrize("sites", ["framework", "all"])
    def test_the_metal_and_noble_gases_have_a_framework(self, sites):
        lithium = Structure(Lattice.cubic(3.5), ["Li", "Li"], [[0, 0, 0], [0.5, 0.5, 0.5]])
        gas = Structure(Lattice.cubic(3.5), ["He", "Ne"], [[0, 0, 0], [0.5, 0.5, 0.5]])
        found = StructureSimilarity(sites=sites).fit([rock_salt()]).transform([lithium, gas])
        assert np.isfinite(found).all()

    def test_roles_hold_for_all_real_structures(self):
        data = load_lithium_conductors()
        similarity = StructureSimilarity().fit(data.structures)
        found = similarity.transform(data.structures)
        assert similarity.n_disordered_ == sum(not s.is_ordered for s in data.structures)
        np.fill_diagonal(found, 0)
        family = data.frame["family"].to_numpy()
        has_kin = np.array([(family == one).sum() > 1 for one in family])
        same = family[found.argmax(axis=1)] == family
        assert same[has_kin].mean() > 0.8  # 0.88 when this was written; chance is 0.06

    @pytest.mark.slow  # workers import everything anew
    def test_result_does_not_depend_on_the_number_of_jobs(self):
        structures = load_lithium_conductors().structures[:20]
        serial = StructureSimilarity().fit(structures)
        parallel = clone(serial).set_params(n_jobs=2).fit(structures)
        np.testing.assert_array_equal(serial.fingerprints_, parallel.fingerprints_)

    def test_files_and_texts(self, tmp_path):
        path = tmp_path / "salt.cif"
        rock_salt().to(filename=str(path))
        found = StructureSimilarity().fit([path]).transform([path.read_text(), rock_salt()])
        np.testing.assert_allclose(found, 1, atol=1e-3)

    def test_failures_stop_or_give_nan(self):
        empty = Structure(Lattice.cubic(4.0), [{"Na": 0.2}], [[0, 0, 0]])
        with pytest.raises(InvalidStructureError, match=r"Structure 1 \(1\): Na0.2 has no frame"):
            StructureSimilarity().fit([rock_salt(), empty])
        similarity = StructureSimilarity(on_error="nan").fit([rock_salt()])
        found = similarity.transform([rock_salt(), empty, "no/such/file.cif"])
        np.testing.assert_array_equal(np.isnan(found.ravel()), [False, True, True])
        assert similarity.failures_["position"].tolist() == [1, 2]
        assert "neither a file" in similarity.failures_["reason"][1]

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"metric": "rematch"}, "'metric' parameter"),
            ({"sites": "anions"}, "'sites' parameter"),
            ({"cutoff": 1}, "'cutoff' parameter"),
            ({"mobile_ion": "Lithium"}, "mobile_ion must be the symbol of an element"),
            ({"on_error": "skip"}, "'on_error' parameter"),
        ],
    )
    def test_bad_parameters(self, parameters, message):
        with pytest.raises(ValueError, match=message):
            StructureSimilarity(**parameters).fit([rock_salt()])

    @pytest.mark.parametrize("structures", [[], rock_salt(), 3])
    def test_no_sequence_of_structures(self, structures):
        with pytest.raises(ValueError, match="structure"):
            StructureSimilarity().fit(structures)

    def test_without_dscribe(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "dscribe.descriptors", None)
        with pytest.raises(MissingDependencyError, match=r"skxrd\[structure\]"):
            StructureSimilarity().fit([rock_salt()])

    def test_names_of_the_output(self):
        names = StructureSimilarity().fit([rock_salt()]).get_feature_names_out()
        assert names.tolist() == ["structuresimilarity0"]
