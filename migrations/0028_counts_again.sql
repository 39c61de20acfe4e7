-- What is kept in step with connections, counted again: on PostgreSQL, one that was revoked in the
-- moment in which its person connected anew had been counted as something else.
DELETE FROM connection_revocation
WHERE NOT EXISTS (
    SELECT 1
    FROM connection
    WHERE connection.id = connection_revocation.id AND connection.revoked_at IS NOT NULL
);
UPDATE connection_count
SET active = counted.active, expired = counted.expired, revoked = counted.revoked
FROM (
    SELECT client_id, project_id,
           SUM(active) AS active, SUM(expired) AS expired, SUM(revoked) AS revoked
    FROM (
        SELECT client_id, project_id, 0 AS active, 0 AS expired, 0 AS revoked
        FROM connection_count
        UNION ALL
        SELECT client_id, project_id,
               COUNT(*) FILTER (WHERE revoked_at IS NULL AND NOT lapsed),
               COUNT(*) FILTER (WHERE revoked_at IS NULL AND lapsed),
               COUNT(revoked_at)
        FROM connection
        GROUP BY client_id, project_id
    ) AS part
    GROUP BY client_id, project_id
) AS counted
WHERE counted.client_id = connection_count.client_id
  AND counted.project_id = connection_count.project_id
  AND (counted.active <> connection_count.active
       OR counted.expired <> connection_count.expired
       OR counted.revoked <> connection_count.revoked);
UPDATE connection_total
SET active = counted.active, expired = counted.expired, revoked = counted.revoked
FROM (
    SELECT kind, id, SUM(active) AS active, SUM(expired) AS expired, SUM(revoked) AS revoked
    FROM (
        SELECT kind, id, 0 AS active, 0 AS expired, 0 AS revoked FROM connection_total
        UNION ALL
        SELECT 'all', '', active, expired, revoked FROM connection_count
        UNION ALL
        SELECT 'client', client_id, active, expired, revoked FROM connection_count
        UNION ALL
        SELECT 'project', project_id, active, expired, revoked FROM connection_count
        UNION ALL
        SELECT 'person', person_id,
               COUNT(*) FILTER (WHERE revoked_at IS NULL AND NOT lapsed),
               COUNT(*) FILTER (WHERE revoked_at IS NULL AND lapsed),
               COUNT(revoked_at)
        FROM connection
        GROUP BY person_id
    ) AS part
    GROUP BY kind, id
) AS counted
WHERE counted.kind = connection_total.kind
  AND counted.id = connection_total.id
  AND (counted.active <> connection_total.active
       OR counted.expired <> connection_total.expired
       OR counted.revoked <> connection_total.revoked);
