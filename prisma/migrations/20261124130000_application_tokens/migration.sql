ALTER TYPE "role" ADD VALUE 'APPLICATION';

ALTER TABLE "account" ADD COLUMN "longest_token_days" INTEGER;

-- Every token ends. Those of before did not, and get the longest time there is.
UPDATE "application_token" SET "expires_at" = now() + interval '365 days' WHERE "expires_at" IS NULL;
ALTER TABLE "application_token"
    ALTER COLUMN "expires_at" SET NOT NULL,
    ADD COLUMN "created_by" JSONB NOT NULL DEFAULT '{"kind": "system", "id": "bootstrap", "name": "bootstrap"}',
    ADD COLUMN "ended_by" JSONB,
    ADD COLUMN "end_reason" TEXT,
    ADD COLUMN "successor_id" UUID,
    ADD COLUMN "expiry_told" BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN "calls" BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN "last_used_at" TIMESTAMPTZ(3),
    ADD COLUMN "last_used_address" TEXT,
    ADD COLUMN "last_used_agent" TEXT,
    ADD COLUMN "addresses" TEXT[] NOT NULL DEFAULT '{}';
ALTER TABLE "application_token" ALTER COLUMN "created_by" DROP DEFAULT;
CREATE INDEX "application_token_untold_idx" ON "application_token"("expires_at") WHERE NOT "expiry_told" AND "revoked_at" IS NULL;

ALTER TABLE "journal" ADD COLUMN "origin" JSONB;
