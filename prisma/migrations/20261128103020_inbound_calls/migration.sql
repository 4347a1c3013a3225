-- CreateTable
CREATE TABLE "inbound_call" (
    "account_id" UUID NOT NULL,
    "hook" TEXT NOT NULL,
    "delivery_id" TEXT NOT NULL,
    "body_hash" BYTEA NOT NULL,
    "replay_hash" BYTEA,
    "task_ids" UUID[],
    "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "inbound_call_pkey" PRIMARY KEY ("account_id","hook","delivery_id")
);

-- CreateIndex
CREATE INDEX "inbound_call_received_at_idx" ON "inbound_call"("received_at");

-- CreateIndex
CREATE UNIQUE INDEX "inbound_call_account_id_hook_replay_hash_key" ON "inbound_call"("account_id", "hook", "replay_hash");
