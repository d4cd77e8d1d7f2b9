SELECT
  e."visit_id" AS entity,
  DATE_PART(EPOCH_NANOSECOND, e."at_time") AS cutoff_ns,
  CAST(COALESCE((
    e."spent" > 0
  ), FALSE) AS INT) AS label
FROM "visits" AS e
WHERE
  NOT e."visit_id" IS NULL
  AND NOT e."at_time" IS NULL
  AND COALESCE((
    e."note" LIKE 'back\\sl_s%'
  ), FALSE)
  AND NOT e."spent" IS NULL
ORDER BY
  cutoff_ns,
  entity
