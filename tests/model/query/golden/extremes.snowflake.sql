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
    MAX(CASE WHEN r."at_time" > c.cutoff THEN r."spent" END) AS v0,
    COUNT(DISTINCT CASE WHEN r."at_time" > c.cutoff THEN r."shop_id" END) AS v1,
    MIN(CASE WHEN r."at_time" <= c.cutoff THEN r."due" END) AS v2
  FROM "visits" AS r
  JOIN cutoffs AS c
    ON r."at_time" <= c.cutoff + INTERVAL '4 DAY'
  WHERE
    NOT r."person_id" IS NULL
  GROUP BY
    r."person_id",
    c.cutoff_ns
)
SELECT
  e."person_id" AS entity,
  c.cutoff_ns AS cutoff_ns,
  CAST((
    COALESCE((
      a0.v0 > 1
    ), FALSE)
    AND COALESCE((
      COALESCE(a0.v1, 0) >= 1
    ), FALSE)
  ) AS INT) AS label
FROM "people" AS e
CROSS JOIN cutoffs AS c
LEFT JOIN a0
  ON a0.k = e."person_id" AND a0.cutoff_ns = c.cutoff_ns
WHERE
  NOT e."person_id" IS NULL
  AND e."joined" <= c.cutoff
  AND (
    NOT a0.v2 IS NULL
  )
  AND NOT a0.v0 IS NULL
ORDER BY
  cutoff_ns,
  entity
