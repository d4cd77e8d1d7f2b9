WITH cutoffs AS (
  SELECT
    *
  FROM VALUES
    (1708732800000000000, CAST('2024-02-24 00:00:00' AS TIMESTAMP_NTZ)),
    (1709208000000000000, CAST('2024-02-29 12:00:00' AS TIMESTAMP_NTZ)) AS given(cutoff_ns, cutoff)
), a0 AS (
  SELECT
    r.`person_id` AS k,
    c.cutoff_ns AS cutoff_ns,
    ARRAY_SORT(COLLECT_LIST(DISTINCT r.`note`)) AS v0
  FROM `visits` AS r
  JOIN cutoffs AS c
    ON r.`at_time` > c.cutoff AND r.`at_time` <= c.cutoff + INTERVAL '9' DAY
  WHERE
    NOT r.`person_id` IS NULL AND NOT r.`note` IS NULL
  GROUP BY
    r.`person_id`,
    c.cutoff_ns
), a1 AS (
  SELECT
    r.`person_id` AS k,
    COUNT(*) AS v0
  FROM `badges` AS r
  WHERE
    NOT r.`person_id` IS NULL
  GROUP BY
    r.`person_id`
)
SELECT
  e.`person_id` AS entity,
  c.cutoff_ns AS cutoff_ns,
  a0.v0 AS label
FROM `people` AS e
JOIN a0
  ON a0.k = e.`person_id`
JOIN cutoffs AS c
  ON c.cutoff_ns = a0.cutoff_ns
LEFT JOIN a1
  ON a1.k = e.`person_id`
WHERE
  NOT e.`person_id` IS NULL
  AND e.`joined` <= c.cutoff
  AND COALESCE((
    COALESCE(a1.v0, 0) > 0
  ), FALSE)
  AND NOT a0.v0 IS NULL
ORDER BY
  cutoff_ns NULLS LAST,
  entity NULLS LAST
