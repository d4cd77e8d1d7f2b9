WITH cutoffs AS (
  SELECT
    *
  FROM VALUES
    (1708732800000000000, CAST('2024-02-24 00:00:00' AS TIMESTAMP_NTZ)),
    (1709208000000000000, CAST('2024-02-29 12:00:00' AS TIMESTAMP_NTZ)) AS given(cutoff_ns, cutoff)
), f AS (
  SELECT
    k,
    cutoff_ns,
    MAX(CASE WHEN frame = 0 THEN v0 END) AS v0,
    MAX(CASE WHEN frame = 1 THEN v0 END) AS v1
  FROM (
    SELECT
      r.`shop_id` AS k,
      c.frame AS frame,
      c.cutoff_ns AS cutoff_ns,
      AVG(CAST(r.`spent` AS DOUBLE)) AS v0
    FROM `visits` AS r
    JOIN (
      SELECT
        c.cutoff_ns,
        0 AS frame,
        c.cutoff AS starts,
        c.cutoff + INTERVAL '3' DAY AS ends
      FROM cutoffs AS c
      UNION ALL
      SELECT
        c.cutoff_ns,
        1 AS frame,
        c.cutoff + INTERVAL '3' DAY AS starts,
        c.cutoff + INTERVAL '6' DAY AS ends
      FROM cutoffs AS c
    ) AS c
      ON r.`at_time` > c.starts AND r.`at_time` <= c.ends
    WHERE
      NOT r.`shop_id` IS NULL
    GROUP BY
      r.`shop_id`,
      c.frame,
      c.cutoff_ns
  ) AS framed
  GROUP BY
    k,
    cutoff_ns
)
SELECT
  e.`shop_id` AS entity,
  c.cutoff_ns AS cutoff_ns,
  ARRAY(CAST(f.v0 AS DOUBLE), CAST(f.v1 AS DOUBLE)) AS label
FROM `shops` AS e
CROSS JOIN cutoffs AS c
LEFT JOIN f
  ON f.k = e.`shop_id` AND f.cutoff_ns = c.cutoff_ns
WHERE
  NOT e.`shop_id` IS NULL AND NOT f.v0 IS NULL AND NOT f.v1 IS NULL
ORDER BY
  cutoff_ns NULLS LAST,
  entity NULLS LAST
