-- With its account, an audit log goes as well.
CREATE OR REPLACE FUNCTION "keep_audit_entry"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.seq <= (SELECT pruned_seq FROM audit_chain WHERE account_id = OLD.account_id) THEN RETURN OLD; END IF;
    IF EXISTS (SELECT FROM account WHERE id = OLD.account_id AND deletion_at IS NOT NULL) THEN RETURN OLD; END IF;
  END IF;
  RAISE EXCEPTION 'audit entries are never changed, and deleted only in front of their chain''s anchor';
END $$;

CREATE OR REPLACE FUNCTION "keep_audit_chain"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW.account_id = OLD.account_id AND NEW.seq >= OLD.seq AND NEW.pruned_seq BETWEEN OLD.pruned_seq AND NEW.seq
       AND ((NEW.pruned_seq = OLD.pruned_seq AND NEW.pruned_hash = OLD.pruned_hash)
            OR NEW.pruned_hash = (SELECT hash FROM audit_entry WHERE account_id = NEW.account_id AND seq = NEW.pruned_seq))
    THEN RETURN NEW; END IF;
  ELSIF TG_OP = 'DELETE' THEN
    IF EXISTS (SELECT FROM account WHERE id = OLD.account_id AND deletion_at IS NOT NULL) THEN RETURN OLD; END IF;
  END IF;
  RAISE EXCEPTION 'a chain of audit entries only grows, and its anchor only moves forward to an entry of it';
END $$;
