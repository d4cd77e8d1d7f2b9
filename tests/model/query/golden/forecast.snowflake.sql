WITH cutoffs AS (
  SELECT
    *
  FROM (VALUES
    (1708732800000000000, CAST('2024-02-24 00:00:00' AS TIMESTAMPNTZ)),
    (1709208000000000000, CAST('2024-02-29 12:00:00' AS TIMESTAMPNTZ))) AS given(cutoff_ns, cutoff)
), f AS (
  SELECT
    k,
    cutoff_ns,
    MAX(CASE WHEN frame = 0 THEN v0 END) AS v0,
    MAX(CASE WHEN frame = 1 THEN v0 END) AS v1,
    MAX(CASE WHEN frame = 2 THEN v0 END) AS v2
  FROM (
    SELECT
      r."person_id" AS k,
      c.frame AS frame,
      c.cutoff_ns AS cutoff_ns,
      SUM(r."spent") AS v0
    FROM "visits" AS r
    JOIN (
      SELECT
        c.cutoff_ns,
        0 AS frame,
        c.cutoff AS starts,
        c.cutoff + INTERVAL '2 DAY' AS ends
      FROM cutoffs AS c
      UNION ALL
      SELECT
        c.cutoff_ns,
        1 AS frame,
        c.cutoff + INTERVAL '2 DAY' AS starts,
        c.cutoff + INTERVAL '4 DAY' AS ends
      FROM cutoffs AS c
      UNION ALL
      SELECT
        c.cutoff_ns,
        2 AS frame,
        c.cutoff + INTERVAL '4 DAY' AS starts,
        c.cutoff + INTERVAL '6 DAY' AS ends
      FROM cutoffs AS c
    ) AS c
      ON r."at_time" > c.starts AND r."at_time" <= c.ends
    WHERE
      NOT r."person_id" IS NULL
    GROUP BY
      r."person_id",
      c.frame,
      c.cutoff_ns
  ) AS framed
  GROUP BY
    k,
    cutoff_ns
)
SELECT
  e."person_id" AS entity,
  c.cutoff_ns AS cutoff_ns,
  [
    CAST(COALESCE(f.v0, 0) AS DOUBLE),
    CAST(COALESCE(f.v1, 0) AS DOUBLE),
    CAST(COALESCE(f.v2, 0) AS DOUBLE)
  ] AS label
FROM "people" AS e
CROSS JOIN cutoffs AS c
LEFT JOIN f
  ON f.k = e."person_id" AND f.cutoff_ns = c.cutoff_ns
WHERE
  NOT e."person_id" IS NULL AND e."joined" <= c.cutoff
ORDER BY
  cutoff_ns,
  entity
