CREATE TYPE "audit_outcome" AS ENUM ('SUCCEEDED', 'FAILED', 'REFUSED');

CREATE TABLE "audit_entry" (
    "account_id" UUID NOT NULL,
    "seq" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "type" TEXT NOT NULL,
    "outcome" "audit_outcome" NOT NULL,
    "actor_kind" TEXT NOT NULL,
    "actor_id" TEXT NOT NULL,
    "actor_name" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "credential_kind" TEXT,
    "credential_id" TEXT,
    "address" TEXT,
    "user_agent" TEXT,
    "request_id" TEXT,
    "operation_name" TEXT,
    "operation_hash" TEXT,
    "scopes" TEXT[],
    "data" JSONB NOT NULL,
    "previous_hash" BYTEA NOT NULL,
    "hash" BYTEA NOT NULL,

    CONSTRAINT "audit_entry_pkey" PRIMARY KEY ("account_id","seq")
);

CREATE TABLE "audit_chain" (
    "account_id" UUID NOT NULL,
    "seq" BIGINT NOT NULL,
    "hash" BYTEA NOT NULL,
    "pruned_seq" BIGINT NOT NULL DEFAULT 0,
    "pruned_hash" BYTEA NOT NULL,
    "seal" BYTEA NOT NULL,
    "seal_key" TEXT NOT NULL,

    CONSTRAINT "audit_chain_pkey" PRIMARY KEY ("account_id")
);

CREATE TABLE "audit_cursor" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "xid" BIGINT NOT NULL DEFAULT 0,
    "seq" BIGINT NOT NULL DEFAULT 0,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "audit_cursor_pkey" PRIMARY KEY ("id")
);
-- The audit log begins with what the journal still has.
INSERT INTO "audit_cursor" ("at") VALUES ('epoch');

CREATE INDEX "audit_entry_account_id_at_idx" ON "audit_entry"("account_id", "at");
CREATE INDEX "audit_entry_account_id_type_seq_idx" ON "audit_entry"("account_id", "type", "seq");
CREATE INDEX "audit_entry_account_id_actor_id_seq_idx" ON "audit_entry"("account_id", "actor_id", "seq");
CREATE INDEX "audit_entry_account_id_subject_seq_idx" ON "audit_entry"("account_id", "subject", "seq");
-- What did not succeed is seldom, and what is looked for first.
CREATE INDEX "audit_entry_account_id_seq_idx" ON "audit_entry"("account_id", "seq") WHERE "outcome" <> 'SUCCEEDED';

-- Entries are written once. They go when they are old, and then only from the beginning of their chain, whose anchor has
-- been moved behind them before. This keeps programs from slips; who owns the tables is found out by the hashes.
CREATE FUNCTION "keep_audit_entry"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.seq <= (SELECT pruned_seq FROM audit_chain WHERE account_id = OLD.account_id) THEN RETURN OLD; END IF;
  END IF;
  RAISE EXCEPTION 'audit entries are never changed, and deleted only in front of their chain''s anchor';
END $$;
CREATE TRIGGER "audit_entry_is_kept" BEFORE UPDATE OR DELETE ON "audit_entry" FOR EACH ROW EXECUTE FUNCTION keep_audit_entry();
CREATE TRIGGER "audit_entry_is_not_emptied" BEFORE TRUNCATE ON "audit_entry" FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_entry();

CREATE FUNCTION "keep_audit_chain"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW.account_id = OLD.account_id AND NEW.seq >= OLD.seq AND NEW.pruned_seq BETWEEN OLD.pruned_seq AND NEW.seq
       AND ((NEW.pruned_seq = OLD.pruned_seq AND NEW.pruned_hash = OLD.pruned_hash)
            OR NEW.pruned_hash = (SELECT hash FROM audit_entry WHERE account_id = NEW.account_id AND seq = NEW.pruned_seq))
    THEN RETURN NEW; END IF;
  END IF;
  RAISE EXCEPTION 'a chain of audit entries only grows, and its anchor only moves forward to an entry of it';
END $$;
CREATE TRIGGER "audit_chain_is_kept" BEFORE UPDATE OR DELETE ON "audit_chain" FOR EACH ROW EXECUTE FUNCTION keep_audit_chain();
CREATE TRIGGER "audit_chain_is_not_emptied" BEFORE TRUNCATE ON "audit_chain" FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_chain();
