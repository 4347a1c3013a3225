-- CreateEnum
CREATE TYPE "entry_change_kind" AS ENUM ('SET', 'DELETED', 'EXPIRED');

-- CreateTable
CREATE TABLE "entry_ledger" (
    "account_id" UUID NOT NULL,
    "revision" BIGINT NOT NULL DEFAULT 0,
    "fence" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "entry_ledger_pkey" PRIMARY KEY ("account_id")
);

-- CreateTable
CREATE TABLE "entry" (
    "account_id" UUID NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "value" JSON NOT NULL,
    "version" INTEGER NOT NULL,
    "revision" BIGINT NOT NULL,
    "size_bytes" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_by" JSONB NOT NULL,
    "expires_at" TIMESTAMPTZ(3),

    CONSTRAINT "entry_pkey" PRIMARY KEY ("account_id","key")
);

-- CreateTable
CREATE TABLE "entry_version" (
    "account_id" UUID NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "version" INTEGER NOT NULL,
    "revision" BIGINT NOT NULL,
    "kind" "entry_change_kind" NOT NULL,
    "value" JSON,
    "size_bytes" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "by" JSONB NOT NULL,

    CONSTRAINT "entry_version_pkey" PRIMARY KEY ("account_id","key","version")
);

-- CreateTable
CREATE TABLE "lock" (
    "account_id" UUID NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "fence" BIGINT NOT NULL,
    "holder" JSONB NOT NULL,
    "acquired_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "waiter_id" UUID,

    CONSTRAINT "lock_pkey" PRIMARY KEY ("account_id","name")
);

-- CreateTable
CREATE TABLE "lock_waiter" (
    "account_id" UUID NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "seq" BIGSERIAL NOT NULL,
    "id" UUID NOT NULL,
    "by" JSONB NOT NULL,
    "origin" JSONB,
    "ttl_ms" INTEGER NOT NULL,
    "queued_at" TIMESTAMPTZ(3) NOT NULL,
    "until" TIMESTAMPTZ(3) NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "lock_waiter_pkey" PRIMARY KEY ("account_id","name","seq")
);

-- CreateIndex
CREATE UNIQUE INDEX "lock_waiter_id_key" ON "lock_waiter"("id");

-- What expires next, what is waited for in vain, and which keys were given up long ago.
CREATE INDEX "entry_expires_at_idx" ON "entry"("expires_at") WHERE "expires_at" IS NOT NULL;
CREATE INDEX "lock_expires_at_idx" ON "lock"("expires_at");
CREATE INDEX "lock_waiter_until_idx" ON "lock_waiter"("until");
CREATE INDEX "entry_version_ended_idx" ON "entry_version"("at") WHERE "kind" <> 'SET';

-- The present value is among the versions, so it is counted there alone.
CREATE TRIGGER "entry_version_added_usage" AFTER INSERT ON "entry_version" REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION "note_stored_bytes"('size_bytes');
CREATE TRIGGER "entry_version_removed_usage" AFTER DELETE ON "entry_version" REFERENCING OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION "note_stored_bytes"('size_bytes');
