-- CreateTable
CREATE TABLE "browser_session" (
    "hash" BYTEA NOT NULL,
    "account_id" UUID NOT NULL,
    "session_id" UUID,
    "token_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "browser_session_pkey" PRIMARY KEY ("hash")
);

-- CreateIndex
CREATE INDEX "browser_session_account_id_session_id_idx" ON "browser_session"("account_id", "session_id");

-- CreateIndex
CREATE INDEX "browser_session_account_id_token_id_idx" ON "browser_session"("account_id", "token_id");

-- CreateIndex
CREATE INDEX "browser_session_expires_at_idx" ON "browser_session"("expires_at");

-- AddForeignKey
ALTER TABLE "browser_session" ADD CONSTRAINT "browser_session_account_id_session_id_fkey" FOREIGN KEY ("account_id", "session_id") REFERENCES "session"("account_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "browser_session" ADD CONSTRAINT "browser_session_account_id_token_id_fkey" FOREIGN KEY ("account_id", "token_id") REFERENCES "application_token"("account_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;
