-- CreateEnum
CREATE TYPE "retention" AS ENUM ('KEEP_ALL', 'KEEP_LAST', 'KEEP_DAYS');

-- CreateTable
CREATE TABLE "collection" (
    "account_id" UUID NOT NULL,
    "path" TEXT COLLATE "C" NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" JSONB NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "require_version" BOOLEAN NOT NULL DEFAULT false,
    "schema" JSONB,
    "retention" "retention" NOT NULL DEFAULT 'KEEP_ALL',
    "keep_versions" INTEGER,
    "keep_days" INTEGER,
    "indexes" JSONB NOT NULL DEFAULT '[]',
    "full_text_paths" TEXT[] NOT NULL DEFAULT '{}',

    CONSTRAINT "collection_pkey" PRIMARY KEY ("account_id","path")
);

-- CreateTable
CREATE TABLE "document" (
    "account_id" UUID NOT NULL,
    "collection" TEXT COLLATE "C" NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "version" INTEGER NOT NULL,
    "data" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "created_by" JSONB NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_by" JSONB NOT NULL,
    "deleted" BOOLEAN NOT NULL DEFAULT false,
    "expires_at" TIMESTAMPTZ(3),
    "size_bytes" INTEGER NOT NULL,

    CONSTRAINT "document_pkey" PRIMARY KEY ("account_id","collection","key")
);

-- CreateTable
CREATE TABLE "document_version" (
    "account_id" UUID NOT NULL,
    "collection" TEXT COLLATE "C" NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "version" INTEGER NOT NULL,
    "data" JSONB,
    "deleted" BOOLEAN NOT NULL DEFAULT false,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "by" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "created_by" JSONB NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "pinned" BOOLEAN NOT NULL DEFAULT false,
    "size_bytes" INTEGER NOT NULL,

    CONSTRAINT "document_version_pkey" PRIMARY KEY ("account_id","collection","key","version")
);

-- AddForeignKey
ALTER TABLE "document" ADD CONSTRAINT "document_account_id_collection_fkey" FOREIGN KEY ("account_id", "collection") REFERENCES "collection"("account_id", "path") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "document_version" ADD CONSTRAINT "document_version_account_id_collection_key_fkey" FOREIGN KEY ("account_id", "collection", "key") REFERENCES "document"("account_id", "collection", "key") ON DELETE CASCADE ON UPDATE RESTRICT;

-- Names are compared byte by byte, whatever the database's language: their columns say so above.

-- Equality and containment on any path, without declaring anything.
CREATE INDEX "document_data_idx" ON "document" USING GIN ("data" jsonb_path_ops) WHERE NOT "deleted";
-- What falls due next.
CREATE INDEX "document_expires_at_idx" ON "document" ("expires_at") WHERE "expires_at" IS NOT NULL AND NOT "deleted";

-- Each version is counted as stored, and the present one once. Versions come and go, and never change their size.
CREATE TRIGGER "document_version_added_usage" AFTER INSERT ON "document_version" REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION "note_stored_bytes"('size_bytes');
CREATE TRIGGER "document_version_removed_usage" AFTER DELETE ON "document_version" REFERENCING OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION "note_stored_bytes"('size_bytes');
