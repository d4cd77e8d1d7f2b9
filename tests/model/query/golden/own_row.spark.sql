SELECT
  e.`visit_id` AS entity,
  UNIX_MICROS(CAST(e.`at_time` AS TIMESTAMP)) * 1000 AS cutoff_ns,
  CAST(COALESCE((
    e.`online` = TRUE
  ), FALSE) AS INT) AS label
FROM `visits` AS e
LEFT JOIN `people` AS `e:person_id`
  ON `e:person_id`.`person_id` = e.`person_id`
WHERE
  NOT e.`visit_id` IS NULL
  AND NOT e.`at_time` IS NULL
  AND (
    COALESCE((
      `e:person_id`.`town` IN ('tea', 'a\'b', 'pot')
    ), FALSE)
    AND (
      NOT COALESCE((
        ENDSWITH(e.`note`, 'pot')
      ), FALSE)
    )
    AND COALESCE((
      e.`due` > CAST('2024-02-01 00:00:00' AS TIMESTAMP_NTZ)
    ), FALSE)
  )
  AND NOT e.`online` IS NULL
ORDER BY
  cutoff_ns NULLS LAST,
  entity NULLS LAST
