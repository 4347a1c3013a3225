-- A document's current version is the document itself; "document_version" holds those that were overwritten.

ALTER TABLE "document" ADD COLUMN "pinned" BOOLEAN NOT NULL DEFAULT false;

UPDATE "document" d SET "pinned" = true FROM "document_version" v
WHERE v."pinned" AND v."account_id" = d."account_id" AND v."collection" = d."collection" AND v."key" = d."key"
  AND v."version" = d."version";

-- What is stored stays the same, and is counted at the document from now on.
ALTER TABLE "document_version" DISABLE TRIGGER "document_version_removed_usage";
DELETE FROM "document_version" v USING "document" d
WHERE d."account_id" = v."account_id" AND d."collection" = v."collection" AND d."key" = v."key" AND d."version" = v."version";
ALTER TABLE "document_version" ENABLE TRIGGER "document_version_removed_usage";

CREATE TRIGGER "document_added_usage" AFTER INSERT ON "document" REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION "note_stored_bytes"('size_bytes');
CREATE TRIGGER "document_changed_usage" AFTER UPDATE ON "document" REFERENCING NEW TABLE AS added OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION "note_stored_bytes"('size_bytes');
CREATE TRIGGER "document_removed_usage" AFTER DELETE ON "document" REFERENCING OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION "note_stored_bytes"('size_bytes');

-- The database itself keeps what is overwritten: also for processes of an earlier version, which are still running while
-- others are being replaced and write the current version down, too.
CREATE FUNCTION "keep_document_versions"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  -- A document that has fallen behind its history must not make another version of the same number: it has to be repaired.
  IF EXISTS (
    SELECT FROM written JOIN overwritten USING (account_id, collection, key)
    JOIN document_version v USING (account_id, collection, key)
    WHERE written.version > overwritten.version AND v.version >= written.version
  ) THEN
    IF EXISTS (
      SELECT FROM written JOIN document_version v USING (account_id, collection, key)
      WHERE v.version > written.version OR (v.version = written.version AND v.at <> written.updated_at)
    ) THEN
      RAISE EXCEPTION 'a document has newer versions than itself' USING ERRCODE = 'unique_violation';
    END IF;
    -- It was repaired: its newest version is the document again.
    DELETE FROM document_version v USING written
    WHERE v.account_id = written.account_id AND v.collection = written.collection AND v.key = written.key
      AND v.version = written.version;
  END IF;
  INSERT INTO document_version (account_id, collection, key, version, data, deleted, at, by, created_at, created_by,
    expires_at, pinned, size_bytes)
  SELECT past.account_id, past.collection, past.key, past.version, past.data, past.deleted, past.updated_at, past.updated_by,
    past.created_at, past.created_by, past.expires_at, past.pinned, past.size_bytes
  FROM overwritten past JOIN written USING (account_id, collection, key)
  WHERE written.version > past.version
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER "document_keep_versions" AFTER UPDATE ON "document" REFERENCING OLD TABLE AS overwritten NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION "keep_document_versions"();

-- What was written to a collection last.
CREATE INDEX "document_at_idx" ON "document"("account_id", "collection", "updated_at", "key", "version");

-- All versions, the current one included.
CREATE VIEW "document_history" AS
SELECT account_id, collection, key, version, data, deleted, updated_at AS at, updated_by AS by, created_at, created_by,
  expires_at, pinned, size_bytes
FROM document
UNION ALL
SELECT account_id, collection, key, version, data, deleted, at, by, created_at, created_by, expires_at, pinned, size_bytes
FROM document_version v
WHERE NOT EXISTS (
  SELECT FROM document d
  WHERE d.account_id = v.account_id AND d.collection = v.collection AND d.key = v.key AND d.version = v.version);
