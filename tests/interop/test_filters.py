"""Filters select what the reference library selects, but for the texts listed with a reason."""

import pytest

import pilum

pytestmark = pytest.mark.peer

#: Both select the same rows.
SAME = r"""
i8 = 127
i64 = 9007199254740993
i64 = f64
i64 = i8
i64 > u64
u64 = 18446744073709551615
u64 > 9223372036854775807
u32 = 4294967295
5 > i64
i16 <> 300
i16 != -300
i32 == 7
i64 = -7
i64 = - 7
- i64 = 7
i64 >= 2 AND i64 <= 9
NOT (i64 > 2)
i64 > 2 OR flag
flag
NOT flag
flag = TRUE
flag IS TRUE
flag IS NOT TRUE
flag IS FALSE
flag AND NULL
flag OR NULL
TRUE
FALSE
i64 = NULL
i64 IS NULL
i64 IS NOT NULL
i64 IS DISTINCT FROM 1
i64 IS NOT DISTINCT FROM NULL
NOT (i64 = 1 AND NULL)
i64 IN (1, 9)
i64 NOT IN (1, 9)
i64 IN (1, NULL)
i64 NOT IN (1, NULL)
s IN ('cat', 'Dog')
s NOT IN ('cat')
kind IN ('x', 'z')
day IN (date '2024-01-31', date '2024-02-01')
bin IN (X'61')
i64 BETWEEN 1 AND 9
i64 NOT BETWEEN 1 AND 9
i64 BETWEEN 9 AND 1
f64 BETWEEN 0 AND 3
f64 > 1
f64 >= 0
f64 < 0
f64 <= 0
f64 = 0
f64 = -0.0
f64 <> 0.1
f64 = f64
f64 < 1e400
f32 = 0.1
f32 > 0.1
f32 > f64
f64 IN (0, 2.5)
isnan(f64)
isnan(f32)
price > 0
price > 1
price * 2 = 3
price + 1 > 2
price < i64
CAST('1.555' AS decimal(4, 2)) = CAST('1.56' AS decimal(4, 2))
CAST(id AS decimal(10, 2)) = CAST('5' AS decimal(10, 2))
round(price, 1) = CAST('1.5' AS decimal(10, 1))
round(f64) = 3
round(f64, 1) = 2.5
abs(f64) = 1.5
abs(i64) = 7
s = 'cat'
s > 'a'
s < ls
s = ''
ls = 'naïve'
s = 'it''s'
s || 'x' = 'catx'
s || 'x' IS NULL
concat(s, 'x') = 'x'
length(s) = 3
length(ls) = 5
char_length(s) = 3
character_length(s) = 3
lower(s) = 'dog'
upper(s) = 'CAT'
upper(kind) = 'X'
starts_with(s, 'c')
ends_with(s, 'g')
contains(s, 'a')
regexp_match(s, '^[cD]')
regexp_like(s, '^[cD]')
regexp_match(s, '^C', 'i')
s LIKE 'c%'
s LIKE '%a%'
s LIKE '%t'
s LIKE '_a_'
s LIKE 'a\\b%'
s LIKE 'a\b%'
s LIKE '%\\b1'
s LIKE '%\\b%'
s LIKE '50\% off'
s LIKE 'a\_b'
s LIKE 'two%lines'
s LIKE '%'
s LIKE ''
s NOT LIKE 'c%'
s ILIKE 'd_G'
ls ILIKE 'NAÏVE'
kind LIKE 'x%'
kind = 'x'
kind > 'x'
kind IS NULL
bin = X'61'
bin = x''
bin > X'61'
length(bin) = 1
day = date '2024-01-31'
day > date '2024-01-31'
day >= timestamp '2024-02-01 00:00:00'
ts = timestamp '2024-01-31 22:30:00'
ts > date '2024-02-01'
ts >= timestamp '2024-01-31T23:30:00'
tz > timestamp '2024-02-01 00:00:00'
tz >= timestamp '2024-01-31 22:30:00Z'
day = ts
day <= ts
CAST(ts AS date) = date '2024-02-01'
CAST(day AS timestamp) = timestamp '2024-01-31 00:00:00'
CAST('2024-01-31' AS date) = day
i64 + 1 = 2
i64 - 1 = 0
i64 * 2 = 4
i64 / 2 = 1
i64 % 2 = 1
i64 % 4 = -3
i8 + 1 = 128
i8 * 2 = -256
u8 - 5 < 0
u8 + 1 = 256
u64 - 5 = 0
u64 * id > 0
u64 * i64 = 5
u64 / i64 = 1
u64 % 4 = 3
u64 % i64 = 1
i32 * i32 > 0
10 / i32 = 1
i32 <> 0 AND 10 / i32 = 1
1 + 2 * 3 = 7
i64 + NULL = 1
f32 + 1 > 3
f64 * 2 = 5
id % 10 = 3
-id < -50
coalesce(i64, 0) = 0
coalesce(i64, i8, 5) = 5
coalesce(s, 'none') = 'none'
nullif(i64, 1) IS NULL
CAST(i64 AS string) = '-7'
CAST('1' AS int) = i64
CAST('1' AS bigint) = i64
CAST(1.7 AS int) = i64
CAST(i64 AS double) = 2
CAST(i64 AS float) = 2
CAST(flag AS int) = 1
CAST(i8 AS tinyint) = 127
CAST(s AS binary) = X'636174'
array_has(l, 1)
array_has(l, NULL)
array_contains(l, 3)
list_has(l, 5)
list_contains(l, 5)
array_has(tags, 'cat')
array_has(l, i64)
NOT array_has(l, 1)
array_has(vector, 1)
array_length(l) = 2
cardinality(l) = 2
array_length(vector) = 2
l IS NULL
st.x = 1
st.in.k = 5
st['x'] = 1
st['in'].k = 5
st['in']['k'] = 2
`st`.`in`.`k` = 5
st IS NULL
st.in IS NULL
st.in.k IS NULL
`Mixed` = 1
Mixed = 1
mixed = 1
MIXED = 1
_rowid = 3
_rowid < 3
_rowid IN (1, 2)
_rowaddr = 3
_rowoffset = 3
_rowid % 20 = 0
id = 1 -- comment
id /* comment */ = 1
1 = 1
'a' = 'a'
X'61' = bin
date '2024-01-31' = day
i64 > 9223372036854775807
starts_with(kind, 'x')
s IS NOT NULL AND length(s) > 3
(id)=(3)
id IN (3)
id NOT IN (1) AND id < 3
NOT NOT flag
flag = FALSE OR flag IS NULL
(flag OR id < 3) AND NOT (id = 1)
f64 = CAST('NaN' AS double)
f64 > CAST('inf' AS double)
CAST(price AS bigint) + 0 = 1
CAST(price AS bigint) + 0 = 2
CAST(price AS bigint) + 0 = -2
CAST(price AS decimal(12, 1)) + 0 = CAST('1.5' AS decimal(10, 1))
CAST(price AS decimal(12, 1)) + 0 = CAST('-2.3' AS decimal(10, 1))
CAST(price AS decimal(12, 0)) + 0 = CAST('2' AS decimal(10, 0))
CAST(i64 AS decimal(18, 2)) / 3 > 0
price / 3 > 0
price / 2 = 0
price % 2 = 0
price * price > 2
price - 1 < 0
round(price) = 2
abs(price) > 2
-price > 2
u64 / i64 > 1
u64 % 2 = 1
u64 - i64 > 0
u64 + i64 < 6
id % 7 = Mixed
`id` % 7 = `Mixed`
CAST(f32 AS double) > f64
CAST(i64 AS double) = 9007199254740992
f64 % 1 = 0.5
ls LIKE '%ne%'
s LIKE '%lines'
s LIKE 'two_lines'
s ILIKE '%A%'
s NOT ILIKE '%A%'
length(s) BETWEEN 3 AND 5
upper(s) LIKE 'C%'
coalesce(NULL, s, 'x') = 'x'
nullif(s, 'cat') IS NULL AND s IS NOT NULL
concat(s, ls) = 'cat'
lower(ls) = 'naïve'
ts BETWEEN timestamp '2024-01-31 22:30:00' AND timestamp '2024-02-01 01:30:00'
ts IN (timestamp '2024-01-31 22:30:00')
day IN (date '2024-01-31')
day BETWEEN date '2024-01-31' AND date '2024-01-31'
ts = timestamp '2024-01-31 23:30:00.000001'
CAST(ts AS date) = day
CAST(tz AS date) = date '2024-02-01'
st.x > 1 AND st.in.k IS NULL
st.x IN (1, 3)
bin IN (X'61', X'616263')
bin IS NULL
flag IN (true)
flag <> false
flag > false
array_has(tags, lower(s))
array_length(tags) > 1
array_length(l) IS NULL
array_length(l) = 0
u8 IN (255, 3)
u64 IN (18446744073709551615, 5)
i8 BETWEEN -128 AND 0
f64 IS NOT NULL AND NOT isnan(f64)
kind <> 'x'
kind NOT IN ('x')
id < 3 OR id > 57 AND id <> 58
(id < 3 OR id > 57) AND id <> 1
id = 1 OR NULL
NOT (id = 1 OR NULL)
_rowid BETWEEN 10 AND 12
_rowaddr > 8589934592
CAST(NULL AS int) IS NULL
CAST('abc' AS binary) = X'616263'
CAST(flag AS string) = 'true'
CAST(price AS string) = '1.50'
CAST(day AS string) = '2024-01-31'
CAST(f64 AS string) = '2.5'
i32 * 1000 > 2147483647
i8 - u8 < 0
10.0 / 4 = 2.5
7 / 2 = 3
-7 / 2 = -3
-7 % 3 = -1
1.0 / 0 > 1
2 > 1.5
'b' > 'a'
isnan(f64) IS NULL
s < 'b' AND s >= 'a'
s IN ('')
s IN (NULL, 'cat')
id IN (1, 1, 1)
id IN (1, 2) AND s NOT IN ('cat', 'Dog')
"""

#: Both refuse, when the filter is made or when a row needs what cannot be computed.
REFUSED = r"""
CAST(f64 AS decimal(10, 2)) = CAST('2.5' AS decimal(10, 2))
10 / i8 = 1
coalesce(i64, 10 / 0) > 0
coalesce(i64, 10 / i8) > 0
CAST(f64 AS int) = 2
CAST(s AS char) = 'cat'
CAST(s AS int) = 7
nope = 1
id
s
id + 1
s = 5
i64 = '1'
i64 = 'x'
id =
count(id) = 1
id IN (SELECT 1)
substr(s, 1, 1) = 'c'
trim(s) = 'cat'
extract(year FROM day) = 2024
id BETWEEN SYMMETRIC 3 AND 1
id & 1 = 1
s ~ 'c'
regexp_match(s, '[')
i64 % 0 = 1
CAST(coalesce(CASE WHEN isnan(f64) THEN 0 ELSE f64 END, 0) AS int) = 2
CAST('x' AS int) = 1
1 / 0 = 1
"""

#: The reference library refuses.
ONLY_HERE = r"""
i8 = 300
i8 < 300
i8 > -300
i8 = 1.0
i64 < 1.5
u64 > -1
i64 = +1
flag IS UNKNOWN
NULL
i8 IN (1, 300)
i64 IN (1.5)
price = 1.50
price = 1.5
price >= 1.505
price < 1e50
price IN (1.5, 0)
floor(f64) = 2
ceil(f64) = 3
s LIKE '50!% off' ESCAPE '!'
day = '2024-01-31'
day > '2024-01-31 12:00:00'
ts = '2024-01-31 22:30:00'
ts > '2024-02-01'
tz = '2024-01-31T22:30:00Z'
tz = '2024-01-31T23:30:00+01:00'
tz = '2024-01-31 22:30:00'
CAST(ts AS timestamp with time zone) <= tz
i8 <> 0 AND 10 / i8 = 2
CASE WHEN flag THEN i64 ELSE 0 END = 1
CASE i64 WHEN 1 THEN TRUE ELSE FALSE END
CASE WHEN i8 = 0 THEN 0 ELSE 10 / i8 END = 2
CAST(i64 AS text) = '9'
CAST(i64 AS varchar) = '9'
i64::text = '9'
5 = ANY(l)
"Mixed" = 1
i64 = 1.5
id = 1e0
i64 < 9223372036854775808
id > -1 AND id < 0.5
floor(price) = 1
abs(i8) = 128
"""

#: Refused here.
ONLY_THERE = r"""
CAST(price AS decimal(9, 1)) = CAST('-2.3' AS decimal(9, 1))
CAST(i32 AS decimal(6, 2)) > CAST('5' AS decimal(6, 2))
octet_length(s) = 3
day < tz
tz = ts
u64 + 1 = 6
u64 * 2 = 10
CAST(i32 AS tinyint) = 7
s = "cat"
id = 1;
id = 1 LIMIT 1
s LIKE ls
l = l
st = st
i64 + 9223372036854775807 > 0
'1' = 1
ts > tz
date_trunc('day', ts) = timestamp '2024-02-01 00:00:00'
CAST(u8 AS tinyint) = 7
"""

#: Both select rows, but not the same.
DIFFERENT = {
    "NaN of either sign is greater than all numbers here": r"""
f32 / 0 > 1
f64 / 0 > 1
- f64 > 1
""",
    "a quotient of integers is an integer here, also of signed and unsigned ones": r"""
u64 / 2 = 1
u64 / 3 = 1
u64 / 2 > 1
""",
    "small integers are widened here": r"""
i8 + i8 = 254
i16 * i16 = 90000
-i8 = 128
""",
    "a cast beside a literal is moved to the literal there": r"""
CAST(price AS bigint) = 1
CAST(price AS decimal(10, 1)) = CAST('1.5' AS decimal(10, 1))
""",
    "double quotes name columns here": r"""
"s" = 'cat'
""",
}


def lines(block):
    return [line for line in block.splitlines() if line]


OUTCOMES = {
    **dict.fromkeys(lines(SAME), "same"),
    **dict.fromkeys(lines(REFUSED), "refused"),
    **dict.fromkeys(lines(ONLY_HERE), "only here"),
    **dict.fromkeys(lines(ONLY_THERE), "only there"),
    **dict.fromkeys(lines("".join(DIFFERENT.values())), "different"),
}


@pytest.fixture(scope="module")
def selected(reference_library, tmp_path_factory):
    """The table, and for each text the ids that the reference library selects, or None."""
    folder = tmp_path_factory.mktemp("filters") / "table"
    answer = reference_library.ask(make_filtered=folder, texts=list(OUTCOMES))
    ids = answer["expected"]["answers"]["ids"].to_pylist()
    return pilum.dataset(answer["uri"]), dict(zip(OUTCOMES, ids, strict=True))


def outcome(here, there):
    if here is None or there is None:
        return "refused" if here is there else "only there" if here is None else "only here"
    return "same" if here == there else "different"


@pytest.mark.parametrize("sql", OUTCOMES)
def test_filter(selected, sql):
    dataset, ids = selected
    try:
        here = dataset.to_table(columns=["id"], filter=sql)["id"].to_pylist()
    except ValueError:
        here = None
    assert outcome(here, ids[sql]) == OUTCOMES[sql], f"here {here}, there {ids[sql]}"
    if here is not None:
        assert dataset.count_rows(sql) == len(here)
