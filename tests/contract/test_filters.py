"""The SQL of filters, against the same predicate written in Python over the same rows."""

import math
import pathlib
import subprocess
import sys

import pytest

import pilum
from reference import golden

REFERENCE = golden("mixed-2.2")
ROWS = REFERENCE.rows.to_pylist()
DATASET = pilum.dataset(REFERENCE.uri)


def known(value, test):
    """SQL: a comparison with null is not true."""
    return value is not None and test(value)


FILTERS = {
    "id = 7": lambda r: r["id"] == 7,
    "id == 7": lambda r: r["id"] == 7,
    "id != 7": lambda r: r["id"] != 7,
    "id <> 7": lambda r: r["id"] != 7,
    "id >= 390": lambda r: r["id"] >= 390,
    "ID < 5": lambda r: r["id"] < 5,
    "`id` <= 5": lambda r: r["id"] <= 5,
    '"id" > 395': lambda r: r["id"] > 395,
    "id = 7.0": lambda r: r["id"] == 7,
    "5 > id": lambda r: r["id"] < 5,
    "id > 5 AND id < 9 OR id = 300": lambda r: 5 < r["id"] < 9 or r["id"] == 300,
    "NOT (id > 5)": lambda r: r["id"] <= 5,
    "id IN (1, 3, 5)": lambda r: r["id"] in (1, 3, 5),
    "id NOT IN (1, 3, 5)": lambda r: r["id"] not in (1, 3, 5),
    "id BETWEEN 10 AND 12": lambda r: 10 <= r["id"] <= 12,
    "id NOT BETWEEN 10 AND 390": lambda r: not 10 <= r["id"] <= 390,
    "i32 IS NULL": lambda r: r["i32"] is None,
    "i32 IS NOT NULL": lambda r: r["i32"] is not None,
    "i32 > 0": lambda r: known(r["i32"], lambda v: v > 0),
    "NOT (i32 > 0)": lambda r: known(r["i32"], lambda v: v <= 0),
    "i32 > 0 OR id < 3": lambda r: known(r["i32"], lambda v: v > 0) or r["id"] < 3,
    "i8 = -128": lambda r: r["i8"] == -128,
    "small + 1 = 4": lambda r: r["small"] == 3,
    "small * 2 - 1 = 7": lambda r: r["small"] == 4,
    "id % 50 = 49": lambda r: r["id"] % 50 == 49,
    "id / 100 = 2": lambda r: r["id"] // 100 == 2,
    "-id = -9": lambda r: r["id"] == 9,
    "u64 > 9223372036854775807": lambda r: r["u64"] > 9223372036854775807,
    "text = 'row'": lambda r: r["text"] == "row",
    "text LIKE 'row%'": lambda r: known(r["text"], lambda v: v.startswith("row")),
    "text LIKE '_ow%'": lambda r: known(r["text"], lambda v: v[1:3] == "ow"),
    "text NOT LIKE '%row%'": lambda r: known(r["text"], lambda v: "row" not in v),
    "text ILIKE 'ROW%'": lambda r: known(r["text"], lambda v: v.startswith("row")),
    "category IN ('page', 'epoch')": lambda r: r["category"] in ("page", "epoch"),
    "length(text) = 3": lambda r: known(r["text"], lambda v: len(v) == 3),
    "upper(category) = 'PAGE'": lambda r: r["category"] == "page",
    "lower(category) = 'page'": lambda r: r["category"] == "page",
    "starts_with(text, 'row')": lambda r: known(r["text"], lambda v: v.startswith("row")),
    "coalesce(i32, 0) = 0": lambda r: (r["i32"] or 0) == 0,
    "flag": lambda r: r["flag"] is True,
    "NOT flag": lambda r: r["flag"] is False,
    "flag = TRUE": lambda r: r["flag"] is True,
    "flag IS NOT TRUE": lambda r: r["flag"] is not True,
    "isnan(f32)": lambda r: math.isnan(r["f32"]),
    "f32 > 1": lambda r: math.isnan(r["f32"]) or r["f32"] > 1,
    "f64 < 0": lambda r: known(r["f64"], lambda v: v < 0),
    "record.inner.k < 5": lambda r: known(r["record"], lambda v: v["inner"]["k"] < 5),
    "record.name = 'row'": lambda r: known(r["record"], lambda v: v["name"] == "row"),
    "day < date '1990-01-01'": lambda r: known(r["day"], lambda v: v.isoformat() < "1990-01-01"),
    "instant >= timestamp '2024-01-01 00:00:00'": lambda r: known(
        r["instant"], lambda v: v.isoformat() >= "2024-01-01"
    ),
    "price > 0": lambda r: known(r["price"], lambda v: v > 0),
    "CAST(id AS string) = '42'": lambda r: r["id"] == 42,
    "bytes = X'36'": lambda r: r["bytes"] == b"6",
    "bytes IN (x'36', X'')": lambda r: r["bytes"] in (b"6", b""),
    "array_length(numbers) = 3": lambda r: known(r["numbers"], lambda v: len(v) == 3),
    "array_has(tags, 'row')": lambda r: known(r["tags"], lambda v: "row" in v),
    "regexp_match(text, '^row')": lambda r: known(r["text"], lambda v: v.startswith("row")),
    "CASE WHEN id < 3 THEN TRUE ELSE id > 397 END": lambda r: r["id"] < 3 or r["id"] > 397,
    "_rowid < 4": lambda r: r["id"] < 4,
    "TRUE": lambda r: True,
    "FALSE": lambda r: False,
    "NULL": lambda r: False,
    "all_null = 1": lambda r: False,
}

NO_ROWS = ["FALSE", "NULL", "all_null = 1"]


@pytest.mark.parametrize("sql", FILTERS)
def test_filter(sql):
    wanted = [row["id"] for row in ROWS if FILTERS[sql](row)]
    assert wanted or sql in NO_ROWS, "tests nothing"
    assert DATASET.to_table(columns=["id"], filter=sql)["id"].to_pylist() == wanted
    assert DATASET.count_rows(sql) == len(wanted)


def ids_where(*conditions):
    """The ids of the rows that a query with these conditions keeps."""
    table = pilum.connect(pathlib.Path(REFERENCE.uri).parent)[pathlib.Path(REFERENCE.uri).stem]
    query = table.search().select(["id"])
    for condition in conditions:
        query = query.where(condition)
    return query.to_arrow()["id"].to_pylist()


def test_conditions_stand_for_themselves():
    assert ids_where("id > 3 -- all but few", "id < 6") == [4, 5]
    assert ids_where("id > 1 OR id = 0", "id < 4 OR id = 9", "id <> 2") == [0, 3, 9]
    with pytest.raises(ValueError, match=r"condition 1: SQL, position 7: syntax error at \)"):
        ids_where("id = 1) OR (id = 2", "id < 6")
    with pytest.raises(ValueError, match=r"condition 2: SQL, position 1: .*idd"):
        ids_where("id > 1", "idd < 6")


def test_later_conditions_see_the_rows_that_are_left():
    assert ids_where("id IN (1, 2, 5)", "10 / (id - 3) < 0", "TRUE") == [1, 2]
    assert ids_where("id < 0", "10 / (id - id) = 1") == []
    with pytest.raises(ValueError, match=r"condition 2: .*divide by zero"):
        ids_where("id > 2", "10 / (id - 3) < 0")


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("nowhere = 1", "nowhere"),
        ("record.nowhere = 1", "nowhere"),
        ("id + 1", "boolean"),
        ("text", "boolean"),
        ("id = ", ""),
        ("", ""),
        ("id = 1; DROP TABLE x", ""),
        ("id IN (SELECT 1)", ""),
        ("no_such_function(id) = 1", "no_such_function"),
        ('text = "row"', "row"),
        ("text > 3", "text"),
        ("count(id) = 1", "count"),
        ("((((((", ""),
    ],
)
def test_refused(sql, named):
    with pytest.raises(ValueError, match=named or None):
        DATASET.to_table(filter=sql)
    with pytest.raises(ValueError, match=named or None):
        DATASET.count_rows(sql)


def test_double_quotes_are_explained():
    with pytest.raises(ValueError, match="single quotes"):
        DATASET.count_rows('text = "row"')


@pytest.mark.parametrize("opening", ["(", "NOT ", "- "], ids=["parentheses", "not", "minus"])
def test_deep_nesting_does_not_crash(opening):
    """In a process of its own: what is tested is that it ends well."""
    code = f"""
import pilum
sql = {opening!r} * 5000 + "id" + (")" * 5000 if {opening!r} == "(" else "") + " = 1"
try:
    pilum.dataset({REFERENCE.uri!r}).count_rows(sql)
except ValueError as error:
    assert len(str(error)) < 2000
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
