WITH cutoffs AS (
  SELECT
    *
  FROM (VALUES
    (1708732800000000000, CAST('2024-02-24 00:00:00' AS TIMESTAMPNTZ)),
    (1709208000000000000, CAST('2024-02-29 12:00:00' AS TIMESTAMPNTZ))) AS given(cutoff_ns, cutoff)
), a0 AS (
  SELECT
    k,
    cutoff_ns,
    v0
  FROM (
    SELECT
      r."person_id" AS k,
      c.cutoff_ns AS cutoff_ns,
      r."note" AS v0,
      ROW_NUMBER() OVER (
        PARTITION BY r."person_id", c.cutoff_ns
        ORDER BY r."at_time" DESC NULLS LAST, r."visit_id" DESC NULLS LAST, r."note" DESC NULLS LAST
      ) AS place
    FROM "visits" AS r
    JOIN cutoffs AS c
      ON r."at_time" > c.cutoff AND r."at_time" <= c.cutoff + INTERVAL '6 DAY'
    WHERE
      NOT r."person_id" IS NULL AND NOT r."note" IS NULL
  ) AS ordered
  WHERE
    place = 1
), a1 AS (
  SELECT
    r."taker_id" AS k,
    c.cutoff_ns AS cutoff_ns,
    COUNT(*) AS v0
  FROM "gifts" AS r
  JOIN cutoffs AS c
    ON r."sent" > c.cutoff AND r."sent" <= c.cutoff + INTERVAL '9 DAY'
  WHERE
    NOT r."taker_id" IS NULL
  GROUP BY
    r."taker_id",
    c.cutoff_ns
)
SELECT
  e."person_id" AS entity,
  c.cutoff_ns AS cutoff_ns,
  a0.v0 AS label
FROM "people" AS e
JOIN a1
  ON a1.k = e."person_id"
JOIN cutoffs AS c
  ON c.cutoff_ns = a1.cutoff_ns
LEFT JOIN a0
  ON a0.k = e."person_id" AND a0.cutoff_ns = c.cutoff_ns
WHERE
  NOT e."person_id" IS NULL
  AND e."joined" <= c.cutoff
  AND NOT a0.v0 IS NULL
  AND COALESCE((
    COALESCE(a1.v0, 0) > 0
  ), FALSE)
ORDER BY
  cutoff_ns,
  entity
