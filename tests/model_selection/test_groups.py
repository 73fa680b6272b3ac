import numpy as np
import pytest
from pymatgen.core import Composition, Lattice, Species, Structure
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.tree import DecisionTreeClassifier

from skxrd import PatternSimulator, TwoThetaGrid
from skxrd.datasets import load_lithium_conductors
from skxrd.model_selection import LabeledFold, composition_groups

GARNETS = ["Li7La3Zr2O12", "Li6.75La3Zr1.75Nb0.25O12", "Li5La3Ta2O12"]
ARGYRODITES = ["Li6PS5Cl", "Li6PS5Br", "Li5.5PS4.5Cl1.5"]
TITANATES = ["Li0.34La0.51Ti1O2.94", "Li0.305La0.565Ti1O3", "LiLaTiO4"]
FORMULAS = [*GARNETS, *ARGYRODITES, *TITANATES]


@pytest.fixture(scope="module")
def compounds():
    return load_lithium_conductors()


def test_chemical_system():
    assert composition_groups(FORMULAS).tolist() == [0, 1, 2, 3, 4, 3, 5, 5, 5]


def test_ignored_elements():
    assert composition_groups(["Li2O", "Na2O", "K2O"], ignore=["Li", "Na"]).tolist() == [0, 0, 1]
    assert composition_groups(["Li", "LiCl", "Cl2"], ignore=["Li"]).tolist() == [0, 1, 1]
    assert composition_groups(
        ["Li3PS4", "Li7PS6", "Na3PS4"], by="formula", ignore=("Li", "Na")
    ).tolist() == [0, 1, 0]


def test_anonymous_formula():
    names = ["Li3PS4", "Na3SbS4", "LiCl", "NaBr", "Li2O", "MgCl2", "Li4O2"]
    assert composition_groups(names, by="anonymous_formula").tolist() == [0, 0, 1, 1, 2, 2, 2]


def test_formula_with_a_tolerance():
    def group(tolerance):
        return composition_groups(FORMULAS, by="formula", tolerance=tolerance).tolist()

    assert group(0) == list(range(9))
    assert group(0.011)[:3] == [0, 0, 1]  # a quarter of niobium in 23.75 atoms
    assert group(0.010)[:3] == [0, 1, 2]
    assert composition_groups(["Li2S", "Li4S2", "S1Li2"], by="formula", tolerance=0).max() == 0


def test_a_chain_of_small_differences_is_one_group():
    steps = [f"Li{1 + x:.2f}Cl" for x in np.arange(0, 0.4, 0.04)]
    assert composition_groups(steps, by="formula", tolerance=0.012).max() == 0
    ends = [steps[0], steps[-1]]
    assert composition_groups(ends, by="formula", tolerance=0.012).tolist() == [0, 1]


def test_any_of_several_kinships():
    names = ["Li3PS4", "Na3SbS4", "Li7PS6", "K2O", "Li6PS5Cl"]
    both = composition_groups(names, by=["chemical_system", "anonymous_formula"])
    assert both.tolist() == [0, 0, 0, 1, 2]
    # Groups by one of the kinships are never torn apart.
    for by in ("chemical_system", "anonymous_formula"):
        for group in set(composition_groups(names, by=by)):
            assert len(set(both[composition_groups(names, by=by) == group])) == 1


def test_all_ways_to_name_a_compound(compounds):
    formulas = compounds.frame["formula"]
    expected = composition_groups(formulas)
    for rows in (
        formulas.tolist(),
        [Composition(formula) for formula in formulas],
        [Composition(formula).as_dict() for formula in formulas],
        iter(formulas),
    ):
        np.testing.assert_array_equal(composition_groups(rows), expected)
    for by in ("chemical_system", "anonymous_formula"):
        # Cells hold several formula units, some of them with partial occupancies.
        np.testing.assert_array_equal(
            composition_groups(compounds.structures, by=by), composition_groups(formulas, by=by)
        )
    assert composition_groups(["Li2O", Composition("Li2O"), {"Li": 2, "O": 1}]).max() == 0
    assert (
        composition_groups([Composition({Species("Li", 1): 2, Species("O", -2): 1}), "Li2O"]).max()
        == 0
    )


def test_groups_are_numbered_in_order(compounds):
    for by in ("chemical_system", "anonymous_formula", "formula"):
        groups = composition_groups(compounds.frame["formula"], by=by)
        assert groups.dtype == np.int64
        _, first = np.unique(groups, return_index=True)
        assert (np.diff(first) > 0).all()
    assert composition_groups([]).shape == (0,)
    assert composition_groups([], by=["formula", "anonymous_formula"]).shape == (0,)


def test_the_bundled_compounds(compounds):
    ids = np.array(compounds.ids)
    groups = composition_groups(compounds.frame["formula"], by=["chemical_system", "formula"])
    relatives = {frozenset(ids[groups == group]) for group in set(groups)}
    (titanates,) = [group for group in relatives if "LiLaTiO4-129" in group]
    assert len(titanates) == 4
    (garnets,) = [group for group in relatives if "Li7La3Zr2O12-230" in group]
    assert {"Li7La3Zr2O12-142", "Li6.75La3Zr1.75Nb0.25O12-230"} < garnets
    assert all("La" in name and "Zr" in name for name in garnets)


def rock_salt(cation, anion, a):
    lattice = Lattice.cubic(a)
    return Structure.from_spacegroup(
        "Fm-3m", lattice, [cation, anion], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )


def test_prototypes():
    structures = [
        rock_salt("Li", "Cl", 5.13),
        Structure.from_spacegroup("Pm-3m", Lattice.cubic(4.1), ["Cs", "Cl"], [[0] * 3, [0.5] * 3]),
        rock_salt("Mg", "O", 4.21),
        rock_salt("Li", "Cl", 5.13).get_primitive_structure(),
    ]
    assert composition_groups(structures, by="prototype").tolist() == [0, 1, 0, 0]
    together = composition_groups(structures, by=["prototype", "anonymous_formula"])
    assert together.tolist() == [0, 0, 0, 0]

    class Never:
        def fit_anonymous(self, one, other):
            return False

    assert composition_groups(structures, by="prototype", matcher=Never()).tolist() == [0, 1, 2, 3]
    before = [structure.copy() for structure in structures]
    composition_groups(structures, by="prototype")
    assert structures == before


@pytest.mark.slow
def test_prototypes_of_the_bundled_compounds(compounds):
    ids = np.array(compounds.ids)
    groups = composition_groups(compounds.structures, by="prototype")
    garnets = groups == groups[list(ids).index("Li5La3Nb2O12-230")]
    assert {"Li5La3Ta2O12-230", "Li5Nd3(SbO6)2-230"} < set(ids[garnets])
    assert set(compounds.frame["space_group_number"][garnets]) == {230}


def test_in_cross_validation(compounds):
    rows = slice(0, 30)
    X = PatternSimulator(TwoThetaGrid(10, 60, 51)).fit_transform(compounds.structures[rows])
    y = compounds.target[rows].copy()
    groups = composition_groups(compounds.frame["formula"][rows], by=["formula"])
    for train, test in LabeledFold(GroupKFold(3)).split(X, y, groups):
        assert not set(groups[train]) & set(groups[test])
    cv = LabeledFold(GroupKFold(3))
    assert (
        len(cross_val_score(DecisionTreeClassifier(random_state=0), X, y, cv=cv, groups=groups))
        == 3
    )


def test_errors():
    with pytest.raises(ValueError, match="hello"):
        composition_groups(["Li2O", "hello"])
    with pytest.raises(ValueError, match="must hold formulas, compositions or structures, got int"):
        composition_groups([1])
    with pytest.raises(ValueError, match="needs structures of pymatgen, got str"):
        composition_groups(["Li2O"], by="prototype")
    for by in ("family", ["formula", "family"], []):
        with pytest.raises(ValueError, match="by"):
            composition_groups(["Li2O"], by=by)
    with pytest.raises(ValueError, match="'tolerance' parameter"):
        composition_groups(["Li2O"], by="formula", tolerance=1.0)
    with pytest.raises(ValueError, match="'ignore' parameter"):
        composition_groups(["Li2O"], ignore="Li")
