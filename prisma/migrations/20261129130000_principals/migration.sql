-- A principal is who acts, whatever credential they show: a person by their id, an application token by the first token
-- of its line of rotations, a hook by its name.

-- AlterTable
ALTER TABLE "application_token" ADD COLUMN "lineage_id" UUID;

WITH RECURSIVE line AS (
  SELECT account_id, id AS first_id, successor_id FROM application_token AS token
  WHERE successor_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM application_token AS earlier WHERE earlier.account_id = token.account_id AND earlier.successor_id = token.id)
  UNION ALL
  SELECT line.account_id, line.first_id, next.successor_id
  FROM line JOIN application_token AS next ON next.account_id = line.account_id AND next.id = line.successor_id
  WHERE next.successor_id IS NOT NULL
)
UPDATE application_token AS token SET lineage_id = line.first_id
FROM line WHERE token.account_id = line.account_id AND token.id = line.successor_id;

-- Dropped again at the end.
CREATE FUNCTION "principal_of"(account UUID, actor JSONB) RETURNS TEXT LANGUAGE sql STABLE AS $$
  SELECT coalesce(
    (SELECT lineage_id::text FROM application_token WHERE account_id = account AND id::text = actor ->> 'id'),
    actor ->> 'id')
$$;

-- Locks belong to a principal: only it renews and releases them.

-- AlterTable
ALTER TABLE "lock" ADD COLUMN "principal_id" TEXT;
UPDATE "lock" SET "principal_id" = principal_of(account_id, holder);
ALTER TABLE "lock" ALTER COLUMN "principal_id" SET NOT NULL;

-- AlterTable
ALTER TABLE "lock_waiter" ADD COLUMN "principal_id" TEXT;
UPDATE "lock_waiter" SET "principal_id" = principal_of(account_id, "by");
ALTER TABLE "lock_waiter" ALTER COLUMN "principal_id" SET NOT NULL;

-- Each principal has idempotency keys of its own.

-- AlterTable
ALTER TABLE "task" ADD COLUMN "principal_id" TEXT;
UPDATE "task" SET "principal_id" = principal_of(account_id, created_by) WHERE "idempotency_key" IS NOT NULL;

-- Most tasks carry no key, so the index holds only those that do.
DROP INDEX "task_account_id_idempotency_key_key";
CREATE UNIQUE INDEX "task_account_id_principal_id_idempotency_key_key" ON "task"("account_id", "principal_id", "idempotency_key")
  WHERE "idempotency_key" IS NOT NULL;

-- AlterTable
ALTER TABLE "idempotent_request" ADD COLUMN "principal_id" TEXT;
-- Rows don't say who asked, but the journal does: entries of the same transaction have the same time to the millisecond,
-- and unless the database was restored since, the same transaction id.
UPDATE "idempotent_request" AS request SET "principal_id" = asked.principal FROM (
  SELECT DISTINCT ON (known.account_id, known.key) known.account_id, known.key,
    principal_of(known.account_id, journal.actor) AS principal
  FROM "idempotent_request" AS known
  JOIN "journal" ON journal.account_id = known.account_id AND journal.at = known.created_at AND journal.origin IS NOT NULL
  WHERE journal.at > now() - interval '2 days'
  ORDER BY known.account_id, known.key, journal.xmin::text = known.xmin::text DESC
) AS asked WHERE request.account_id = asked.account_id AND request.key = asked.key;
-- Of what is left, nobody knows whose it was.
DELETE FROM "idempotent_request" WHERE "principal_id" IS NULL;
ALTER TABLE "idempotent_request" ALTER COLUMN "principal_id" SET NOT NULL,
  DROP CONSTRAINT "idempotent_request_pkey",
  ADD CONSTRAINT "idempotent_request_pkey" PRIMARY KEY ("account_id", "principal_id", "key");

DROP FUNCTION "principal_of";
