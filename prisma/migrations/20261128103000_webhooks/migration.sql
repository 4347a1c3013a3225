-- CreateEnum
CREATE TYPE "webhook_status" AS ENUM ('ACTIVE', 'INACTIVE', 'FAILED');

-- CreateEnum
CREATE TYPE "webhook_format" AS ENUM ('STANDARD', 'CLOUDEVENTS_STRUCTURED', 'CLOUDEVENTS_BINARY', 'DOCUMENTED', 'SLACK', 'TEAMS', 'DISCORD', 'GRAPHQL');

-- CreateEnum
CREATE TYPE "webhook_method" AS ENUM ('POST', 'PUT');

-- CreateEnum
CREATE TYPE "webhook_order" AS ENUM ('NONE', 'PER_SUBJECT');

-- CreateEnum
CREATE TYPE "signing_method" AS ENUM ('HMAC_SHA256', 'ED25519');

-- CreateEnum
CREATE TYPE "delivery_status" AS ENUM ('PENDING', 'ACTIVE', 'DELIVERED', 'FAILED', 'SKIPPED', 'CANCELLED');

-- CreateTable
CREATE TABLE "webhook" (
    "account_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "name" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "events" TEXT[],
    "filter" JSONB,
    "method" "webhook_method" NOT NULL,
    "headers" JSONB NOT NULL DEFAULT '{}',
    "secret_header_names" TEXT[],
    "secret_headers" TEXT,
    "format" "webhook_format" NOT NULL,
    "document" TEXT,
    "redact" TEXT[],
    "timeout_ms" INTEGER NOT NULL,
    "retry" JSONB NOT NULL,
    "delivery_order" "webhook_order" NOT NULL,
    "concurrency" INTEGER NOT NULL,
    "rate_per_second" INTEGER,
    "signing" "signing_method" NOT NULL,
    "public_key" TEXT,
    "keys" TEXT,
    "status" "webhook_status" NOT NULL DEFAULT 'ACTIVE',
    "status_reason" TEXT,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "told_percent" INTEGER NOT NULL DEFAULT 0,
    "created_by" JSONB NOT NULL,
    "maker" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "verified_at" TIMESTAMPTZ(3),
    "deleted_at" TIMESTAMPTZ(3),
    "delivered" BIGINT NOT NULL DEFAULT 0,
    "undelivered" BIGINT NOT NULL DEFAULT 0,
    "attempts" BIGINT NOT NULL DEFAULT 0,
    "failed_attempts" BIGINT NOT NULL DEFAULT 0,
    "duration_ms" BIGINT NOT NULL DEFAULT 0,
    "last_delivery_at" TIMESTAMPTZ(3),
    "last_failure_at" TIMESTAMPTZ(3),

    CONSTRAINT "webhook_pkey" PRIMARY KEY ("account_id","id")
);

-- CreateTable
CREATE TABLE "delivery" (
    "account_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "webhook_id" UUID NOT NULL,
    "event_xid" BIGINT NOT NULL,
    "event_seq" BIGINT NOT NULL,
    "event_at" TIMESTAMPTZ(3) NOT NULL,
    "event_type" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "status" "delivery_status" NOT NULL,
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "attempt_base" INTEGER NOT NULL DEFAULT 0,
    "due_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "order_key" TEXT,
    "worker_id" INTEGER,
    "lease_until" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),
    "outcome" TEXT,
    "response_status" INTEGER,

    CONSTRAINT "delivery_pkey" PRIMARY KEY ("account_id","id")
);

-- CreateTable
CREATE TABLE "delivery_attempt" (
    "account_id" UUID NOT NULL,
    "delivery_id" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "duration_ms" INTEGER NOT NULL,
    "outcome" TEXT NOT NULL,
    "response_status" INTEGER,
    "response_headers" JSONB,
    "response_body" TEXT,
    "error" TEXT,

    CONSTRAINT "delivery_attempt_pkey" PRIMARY KEY ("account_id","delivery_id","number")
);

-- CreateTable
CREATE TABLE "delivery_cursor" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "xid" BIGINT NOT NULL DEFAULT 0,
    "seq" BIGINT NOT NULL DEFAULT 0,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "delivery_cursor_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "webhook_id_key" ON "webhook"("id");

-- CreateIndex
CREATE INDEX "delivery_account_id_webhook_id_id_idx" ON "delivery"("account_id", "webhook_id", "id");

-- No foreign keys: webhooks are only marked as deleted, attempts go together with their delivery, and to look each of
-- them up again would cost more than the rest of writing it.

-- The deliverer's questions: what is due for a webhook, what comes first of a subject, what a lost process has held.
CREATE INDEX "delivery_due_idx" ON "delivery"("webhook_id", "due_at") WHERE "status" = 'PENDING';
CREATE INDEX "delivery_order_idx" ON "delivery"("webhook_id", "order_key", "event_xid", "event_seq")
  WHERE "order_key" IS NOT NULL AND "status" IN ('PENDING', 'ACTIVE');
CREATE INDEX "delivery_held_idx" ON "delivery"("worker_id") WHERE "status" = 'ACTIVE';
-- What has failed is what people look for.
CREATE INDEX "delivery_failed_idx" ON "delivery"("account_id", "id") WHERE "status" = 'FAILED';
-- Rows are written in the order of their age.
CREATE INDEX "delivery_age_idx" ON "delivery" USING brin ("created_at");

-- Webhooks are told of what happens from now on.
INSERT INTO "delivery_cursor" ("xid", "seq") VALUES (journal_horizon() - 1, 9223372036854775807);
