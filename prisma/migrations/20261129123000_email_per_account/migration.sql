-- An e-mail address is unique in its account, so that no account learns of the people of others.
DROP INDEX "users_email_key";

CREATE UNIQUE INDEX "users_account_id_email_key" ON "users"("account_id", "email") WHERE "removed_at" IS NULL;

-- People sign in by their address, whatever their account.
CREATE INDEX "users_email_idx" ON "users"("email") WHERE "removed_at" IS NULL;

-- A provider knows one person who may belong to several accounts.
ALTER TABLE "identity" DROP CONSTRAINT "identity_pkey", ADD CONSTRAINT "identity_pkey" PRIMARY KEY ("issuer", "subject", "account_id");
