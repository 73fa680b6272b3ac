from pathlib import Path

import pandas as pd
import pytest

from skxrd.screening import column_descriptions
from skxrd.screening._columns import typed

PAGE = Path(__file__).parents[2] / "docs" / "user_guide" / "screening.md"


def as_markdown(table):
    """Rows of the table on the page of the user guide; run this file to print them."""
    lines = ["| column | type | unit | what it says | source |", "|---|---|---|---|---|"]
    lines += [
        f"| `{row.column}` | {row.dtype} | {row.unit} | {row.description} | {row.source} |"
        for row in table.itertuples()
    ]
    return "\n".join(lines)


def test_the_page_lists_the_columns():
    if not PAGE.is_file():
        pytest.skip("a source distribution comes without docs")
    page = PAGE.read_text(encoding="utf-8")
    listed = page.split("<!-- columns: begin -->\n")[1].split("\n<!-- columns: end -->")[0]
    assert listed == as_markdown(column_descriptions())


def test_each_column_has_a_description_and_a_source():
    table = column_descriptions()
    assert table["column"].is_unique
    assert table["description"].str.endswith(".").all()
    assert (table["source"] != "").all()
    numbers = table["dtype"].isin(["int64", "Int64", "float64"])
    assert (table.loc[numbers, "unit"] != "").all()


def test_types_and_order():
    table = pd.DataFrame(
        {
            "mine": [1.5, 2.5],
            "output_frequency": [3.0, 2.0],
            "label": [1.0, None],
            "formula": ["LiF", None],
            "id": [7, 8],
            "is_ordered": [True, None],
            "contains_toxic": [True, False],
        }
    )
    before = table.copy()
    found = typed(table)
    assert found.columns.tolist() == [
        "id",
        "formula",
        "output_frequency",
        "label",
        "is_ordered",
        "contains_toxic",
        "mine",
    ]
    assert found["id"].tolist() == ["7", "8"]
    assert found["formula"].isna().tolist() == [False, True]
    assert found["label"].dtype == "Int64"
    assert found["output_frequency"].dtype == "int64"
    assert found["contains_toxic"].dtype == bool
    assert found["is_ordered"].dtype == "boolean"
    pd.testing.assert_frame_equal(table, before)


def test_labels_that_are_text_stay_text():
    found = typed(pd.DataFrame({"id": ["a", "b"], "label": ["fast", None]}))
    assert found["label"].tolist()[0] == "fast"
    assert found["label"].isna().tolist() == [False, True]


if __name__ == "__main__":
    print(as_markdown(column_descriptions()))  # noqa: T201
