CREATE TYPE "role" AS ENUM ('OWNER', 'MEMBER');
CREATE TYPE "priority" AS ENUM ('CRITICAL', 'NORMAL', 'BATCH');
CREATE TYPE "task_status" AS ENUM ('SCHEDULED', 'PENDING', 'ACTIVE', 'COMPLETED', 'FAILED', 'CANCELLED');

CREATE TABLE "account" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "account_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "application_token" (
    "account_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "hash" BYTEA NOT NULL,
    "role" "role" NOT NULL,
    "scopes" TEXT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    CONSTRAINT "application_token_pkey" PRIMARY KEY ("account_id", "id")
);
CREATE UNIQUE INDEX "application_token_hash_key" ON "application_token"("hash");

CREATE TABLE "task" (
    "account_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "type" TEXT NOT NULL,
    "priority" "priority" NOT NULL,
    "status" "task_status" NOT NULL,
    "input" JSONB NOT NULL,
    "labels" JSONB NOT NULL DEFAULT '{}',
    "fairness_key" TEXT,
    "idempotency_key" TEXT,
    "request_hash" BYTEA,
    "timeout_ms" INTEGER NOT NULL,
    "lock_ms" INTEGER NOT NULL,
    "retry" JSONB NOT NULL,
    "created_by" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "run_at" TIMESTAMPTZ(3) NOT NULL,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "cancel_requested_at" TIMESTAMPTZ(3),
    "cancel_reason" TEXT,
    "progress" SMALLINT NOT NULL DEFAULT 0,
    "current_step" TEXT,
    "result" JSONB,
    "result_expired" BOOLEAN NOT NULL DEFAULT false,
    "error" JSONB,
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "past_attempts" JSONB NOT NULL DEFAULT '[]',
    "fence" INTEGER NOT NULL DEFAULT 0,
    "job_id" UUID NOT NULL,
    "worker_id" INTEGER,
    CONSTRAINT "task_pkey" PRIMARY KEY ("account_id", "id")
);
-- Most tasks carry no key, so the index holds only those that do.
CREATE UNIQUE INDEX "task_account_id_idempotency_key_key" ON "task"("account_id", "idempotency_key") WHERE "idempotency_key" IS NOT NULL;
CREATE INDEX "task_account_id_status_id_idx" ON "task"("account_id", "status", "id");
CREATE INDEX "task_account_id_type_id_idx" ON "task"("account_id", "type", "id");
-- The dispatcher's questions: what falls due next, what a lost worker held, what is old enough to go.
CREATE INDEX "task_due_idx" ON "task"("run_at") WHERE "status" = 'SCHEDULED';
CREATE INDEX "task_held_idx" ON "task"("worker_id") WHERE "status" = 'ACTIVE';
CREATE INDEX "task_finished_idx" ON "task"("finished_at") WHERE "finished_at" IS NOT NULL;

CREATE TABLE "task_log" (
    "account_id" UUID NOT NULL,
    "task_id" UUID NOT NULL,
    "seq" BIGINT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "message" TEXT NOT NULL,
    CONSTRAINT "task_log_pkey" PRIMARY KEY ("account_id", "task_id", "seq"),
    CONSTRAINT "task_log_account_id_task_id_fkey" FOREIGN KEY ("account_id", "task_id") REFERENCES "task"("account_id", "id") ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE "task_part" (
    "account_id" UUID NOT NULL,
    "task_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "content_id" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "content_type" TEXT NOT NULL,
    "size_bytes" INTEGER NOT NULL DEFAULT 0,
    "complete" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "task_part_pkey" PRIMARY KEY ("account_id", "task_id", "name"),
    CONSTRAINT "task_part_account_id_task_id_fkey" FOREIGN KEY ("account_id", "task_id") REFERENCES "task"("account_id", "id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "task_part_account_id_content_id_key" ON "task_part"("account_id", "content_id");

CREATE TABLE "task_part_chunk" (
    "account_id" UUID NOT NULL,
    "content_id" UUID NOT NULL,
    "start" INTEGER NOT NULL,
    "data" BYTEA NOT NULL,
    CONSTRAINT "task_part_chunk_pkey" PRIMARY KEY ("account_id", "content_id", "start"),
    CONSTRAINT "task_part_chunk_account_id_content_id_fkey" FOREIGN KEY ("account_id", "content_id") REFERENCES "task_part"("account_id", "content_id") ON DELETE CASCADE ON UPDATE CASCADE
);
-- Chunks are served as stored and often compressed already.
ALTER TABLE "task_part_chunk" ALTER COLUMN "data" SET STORAGE EXTERNAL;

CREATE TABLE "worker" (
    "id" SERIAL NOT NULL,
    "host" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "worker_pkey" PRIMARY KEY ("id")
);

-- The journal's clock is the cluster's transaction counter. A dump restored into another cluster meets a counter that
-- stands elsewhere, so both readings go through functions, which the journal replaces by shifted ones when it has to.
CREATE FUNCTION "journal_xid"() RETURNS BIGINT LANGUAGE sql STABLE AS $$ SELECT pg_current_xact_id()::text::bigint $$;
CREATE FUNCTION "journal_horizon"() RETURNS BIGINT LANGUAGE sql STABLE AS $$ SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint $$;

CREATE TABLE "journal" (
    "xid" BIGINT NOT NULL DEFAULT journal_xid(),
    "seq" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "account_id" UUID NOT NULL,
    "type" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "actor" JSONB NOT NULL,
    "data" JSONB NOT NULL,
    CONSTRAINT "journal_pkey" PRIMARY KEY ("xid", "seq", "at")
) PARTITION BY RANGE ("at");
CREATE INDEX "journal_account_id_xid_seq_idx" ON "journal"("account_id", "xid", "seq");
CREATE INDEX "journal_subject_xid_seq_idx" ON "journal"("subject", "xid", "seq");

-- Partitions live in a schema of their own, where tools that compare the model with the database don't meet them.
CREATE SCHEMA "journal_days";

CREATE TABLE "journal_pruned" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "xid" BIGINT NOT NULL DEFAULT 0,
    "seq" BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT "journal_pruned_pkey" PRIMARY KEY ("id")
);
INSERT INTO "journal_pruned" DEFAULT VALUES;
