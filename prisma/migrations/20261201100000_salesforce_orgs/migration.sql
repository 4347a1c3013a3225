-- CreateEnum
CREATE TYPE "salesforce_org_kind" AS ENUM ('PRODUCTION', 'SANDBOX', 'SCRATCH', 'DEVELOPER');

-- CreateEnum
CREATE TYPE "salesforce_org_state" AS ENUM ('ACTIVE', 'NEEDS_REAUTHORIZATION', 'BLOCKED', 'LOCKED', 'MAINTENANCE');

-- CreateEnum
CREATE TYPE "salesforce_auth_method" AS ENUM ('JWT_BEARER', 'WEB', 'CLIENT_CREDENTIALS', 'AUTH_URL');

-- CreateTable
CREATE TABLE "salesforce_org" (
    "account_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "username" TEXT NOT NULL,
    "org_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "instance_url" TEXT NOT NULL,
    "instance_name" TEXT NOT NULL,
    "login_url" TEXT NOT NULL,
    "kind" "salesforce_org_kind" NOT NULL,
    "edition" TEXT NOT NULL,
    "is_dev_hub" BOOLEAN NOT NULL,
    "is_default" BOOLEAN NOT NULL DEFAULT false,
    "parent_username" TEXT,
    "expires_at" TIMESTAMPTZ(3),
    "newest_api_version" TEXT NOT NULL,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "method" "salesforce_auth_method" NOT NULL,
    "credential" TEXT NOT NULL,
    "credential_version" INTEGER NOT NULL DEFAULT 1,
    "access_token" TEXT,
    "access_version" INTEGER NOT NULL DEFAULT 0,
    "refreshing" BYTEA,
    "refreshing_until" TIMESTAMPTZ(3),
    "state" "salesforce_org_state" NOT NULL DEFAULT 'ACTIVE',
    "state_message" TEXT,
    "state_since" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "refreshed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "refresh_due_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expiry_announced_at" TIMESTAMPTZ(3),
    "created_by" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "salesforce_org_pkey" PRIMARY KEY ("account_id","id")
);

-- CreateTable
CREATE TABLE "salesforce_login" (
    "id" UUID NOT NULL,
    "account_id" UUID NOT NULL,
    "state_hash" BYTEA NOT NULL,
    "request" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "salesforce_login_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "salesforce_org_id_key" ON "salesforce_org"("id");

-- CreateIndex
CREATE UNIQUE INDEX "salesforce_org_account_id_username_key" ON "salesforce_org"("account_id", "username");

-- CreateIndex
CREATE UNIQUE INDEX "salesforce_login_state_hash_key" ON "salesforce_login"("state_hash");

-- One default for each account.
CREATE UNIQUE INDEX "salesforce_org_default_idx" ON "salesforce_org"("account_id") WHERE "is_default";

-- What is to be refreshed although nobody uses it.
CREATE INDEX "salesforce_org_refresh_due_idx" ON "salesforce_org"("refresh_due_at");
