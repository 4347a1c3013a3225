-- CreateEnum
CREATE TYPE "device_decision" AS ENUM ('APPROVED', 'DENIED');

-- CreateTable
CREATE TABLE "device_sign_in" (
    "id" UUID NOT NULL,
    "device_hash" BYTEA NOT NULL,
    "user_hash" BYTEA NOT NULL,
    "client_name" TEXT NOT NULL,
    "scopes" TEXT[],
    "address" TEXT NOT NULL,
    "user_agent" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "interval_ms" INTEGER NOT NULL,
    "asked_at" TIMESTAMPTZ(3),
    "decision" "device_decision",
    "account_id" UUID,
    "user_id" UUID,

    CONSTRAINT "device_sign_in_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "device_sign_in_device_hash_key" ON "device_sign_in"("device_hash");

-- CreateIndex
CREATE UNIQUE INDEX "device_sign_in_user_hash_key" ON "device_sign_in"("user_hash");

-- CreateIndex
CREATE INDEX "device_sign_in_expires_at_idx" ON "device_sign_in"("expires_at");
