-- AlterTable
ALTER TABLE "application_token" ADD COLUMN     "expiry_warned" BOOLEAN NOT NULL DEFAULT false;

-- Which tokens are still to be told of.
CREATE INDEX "application_token_unwarned_idx" ON "application_token"("expires_at") WHERE NOT "expiry_warned" AND "revoked_at" IS NULL;
