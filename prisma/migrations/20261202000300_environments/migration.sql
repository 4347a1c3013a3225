CREATE TYPE "environment_category" AS ENUM ('DEV', 'TEST', 'SNAPSHOT', 'RELEASE');

CREATE TABLE "environment" (
    "account_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "category" "environment_category" NOT NULL,
    "repository" TEXT NOT NULL DEFAULT '',
    "org_username" TEXT,
    "dev_hub_username" TEXT,
    "is_active" BOOLEAN NOT NULL DEFAULT true,
    "is_default" BOOLEAN NOT NULL DEFAULT false,
    "branch" TEXT,
    "tags" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "position" INTEGER,
    "expires_at" TIMESTAMPTZ(3),
    "assignment" JSONB,
    "created_by" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "environment_pkey" PRIMARY KEY ("account_id","id")
);

-- CreateIndex
CREATE UNIQUE INDEX "environment_id_key" ON "environment"("id");

-- CreateIndex
CREATE UNIQUE INDEX "environment_account_id_repository_name_key" ON "environment"("account_id", "repository", "name");
