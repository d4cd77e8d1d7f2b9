WITH cutoffs AS (
  SELECT
    *
  FROM VALUES
    (1708732800000000000, CAST('2024-02-24 00:00:00' AS TIMESTAMP_NTZ)),
    (1709208000000000000, CAST('2024-02-29 12:00:00' AS TIMESTAMP_NTZ)) AS given(cutoff_ns, cutoff)
), a0 AS (
  SELECT
    k,
    cutoff_ns,
    v0
  FROM (
    SELECT
      r.`giver_id` AS k,
      c.cutoff_ns AS cutoff_ns,
      r.`what` AS v0,
      ROW_NUMBER() OVER (
        PARTITION BY r.`giver_id`, c.cutoff_ns
        ORDER BY r.`sent` NULLS LAST, r.`what` NULLS LAST
      ) AS place
    FROM `gifts` AS r
    JOIN cutoffs AS c
      ON r.`sent` > c.cutoff AND r.`sent` <= c.cutoff + INTERVAL '120' HOUR
    WHERE
      NOT r.`giver_id` IS NULL AND NOT r.`what` IS NULL
  ) AS ordered
  WHERE
    place = 1
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
WHERE
  NOT e.`person_id` IS NULL AND e.`joined` <= c.cutoff AND NOT a0.v0 IS NULL
ORDER BY
  cutoff_ns NULLS LAST,
  entity NULLS LAST
