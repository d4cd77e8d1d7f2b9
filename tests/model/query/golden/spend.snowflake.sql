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
    SUM(r."spent") AS v0
  FROM "visits" AS r
  LEFT JOIN "shops" AS "r:shop_id"
    ON "r:shop_id"."shop_id" = r."shop_id"
  JOIN cutoffs AS c
    ON r."at_time" > c.cutoff AND r."at_time" <= c.cutoff + INTERVAL '1 WEEK'
  WHERE
    NOT r."person_id" IS NULL
    AND (
      COALESCE((
        "r:shop_id"."kind" LIKE 'te%'
      ), FALSE)
      AND (
        NOT r."online" IS NULL
      )
    )
  GROUP BY
    r."person_id",
    c.cutoff_ns
)
SELECT
  e."person_id" AS entity,
  c.cutoff_ns AS cutoff_ns,
  CAST(COALESCE(a0.v0, 0) AS DOUBLE) AS label
FROM "people" AS e
CROSS JOIN cutoffs AS c
LEFT JOIN a0
  ON a0.k = e."person_id" AND a0.cutoff_ns = c.cutoff_ns
WHERE
  NOT e."person_id" IS NULL
  AND e."joined" <= c.cutoff
  AND (
    COALESCE(NOT (
      CONTAINS(e."town", 'p')
    ), FALSE)
    OR COALESCE((
      e."score" > 0.5
    ), FALSE)
  )
ORDER BY
  cutoff_ns,
  entity
