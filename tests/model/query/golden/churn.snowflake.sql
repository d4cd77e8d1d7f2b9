WITH cutoffs AS (
  SELECT
    *
  FROM (VALUES
    (1708732800000000000, CAST('2024-02-24 00:00:00' AS TIMESTAMPNTZ)),
    (1709208000000000000, CAST('2024-02-29 12:00:00' AS TIMESTAMPNTZ))) AS given(cutoff_ns, cutoff)
), a0 AS (
  SELECT
    r."person_id" AS k,
    c.cutoff_ns AS cutoff_ns,
    COUNT(CASE WHEN r."at_time" > c.cutoff THEN 1 END) AS v0,
    COUNT(CASE WHEN r."at_time" <= c.cutoff THEN 1 END) AS v1
  FROM "visits" AS r
  JOIN cutoffs AS c
    ON r."at_time" > c.cutoff - INTERVAL '7 DAY'
    AND r."at_time" <= c.cutoff + INTERVAL '5 DAY'
  WHERE
    NOT r."person_id" IS NULL
  GROUP BY
    r."person_id",
    c.cutoff_ns
)
SELECT
  e."person_id" AS entity,
  c.cutoff_ns AS cutoff_ns,
  CAST(COALESCE((
    COALESCE(a0.v0, 0) = 0
  ), FALSE) AS INT) AS label
FROM "people" AS e
JOIN a0
  ON a0.k = e."person_id"
JOIN cutoffs AS c
  ON c.cutoff_ns = a0.cutoff_ns
WHERE
  NOT e."person_id" IS NULL
  AND e."joined" <= c.cutoff
  AND COALESCE((
    COALESCE(a0.v1, 0) > 0
  ), FALSE)
ORDER BY
  cutoff_ns,
  entity
