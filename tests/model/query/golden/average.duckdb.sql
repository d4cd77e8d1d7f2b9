WITH cutoffs AS (
  SELECT
    *
  FROM (VALUES
    (1708732800000000000, CAST('2024-02-24 00:00:00' AS TIMESTAMP)),
    (1709208000000000000, CAST('2024-02-29 12:00:00' AS TIMESTAMP))) AS given(cutoff_ns, cutoff)
), a0 AS (
  SELECT
    r."shop_id" AS k,
    c.cutoff_ns AS cutoff_ns,
    FAVG(CAST(r."items" AS DOUBLE)) AS v0
  FROM "visits" AS r
  JOIN cutoffs AS c
    ON r."at_time" > c.cutoff AND r."at_time" <= c.cutoff + INTERVAL '1' MONTH
  WHERE
    NOT r."shop_id" IS NULL
  GROUP BY
    r."shop_id",
    c.cutoff_ns
)
SELECT
  e."shop_id" AS entity,
  c.cutoff_ns AS cutoff_ns,
  CAST(a0.v0 AS DOUBLE) AS label
FROM "shops" AS e
JOIN a0
  ON a0.k = e."shop_id"
JOIN cutoffs AS c
  ON c.cutoff_ns = a0.cutoff_ns
WHERE
  NOT e."shop_id" IS NULL
  AND COALESCE((
    STARTS_WITH(e."kind", 't')
  ), FALSE)
  AND NOT a0.v0 IS NULL
ORDER BY
  cutoff_ns,
  entity
