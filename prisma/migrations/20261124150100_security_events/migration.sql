-- How often a credential was refused since a window of five minutes has begun.
CREATE TABLE "refusal_count" (
    "account_id" UUID NOT NULL,
    "credential_id" TEXT NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL,
    "count" INTEGER NOT NULL,
    "told" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "refusal_count_pkey" PRIMARY KEY ("account_id","credential_id")
);

-- How often an application token was used in each hour of the last week.
CREATE TABLE "token_hour" (
    "account_id" UUID NOT NULL,
    "token_id" UUID NOT NULL,
    "hour" TIMESTAMPTZ(3) NOT NULL,
    "calls" BIGINT NOT NULL,
    "told" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "token_hour_pkey" PRIMARY KEY ("account_id","token_id","hour")
);
CREATE INDEX "token_hour_hour_idx" ON "token_hour"("hour");
