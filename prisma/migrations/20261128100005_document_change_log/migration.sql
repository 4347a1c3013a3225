-- CreateIndex
CREATE INDEX "document_version_at_idx" ON "document_version"("account_id", "collection", "at", "key", "version");
