CREATE TABLE "users" (
    "account_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "email" TEXT NOT NULL,
    "first_name" TEXT NOT NULL,
    "last_name" TEXT NOT NULL,
    "role" "role" NOT NULL,
    "password_hash" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_sign_in_at" TIMESTAMPTZ(3),
    "removed_at" TIMESTAMPTZ(3),

    CONSTRAINT "users_pkey" PRIMARY KEY ("account_id","id")
);

CREATE TABLE "team" (
    "account_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "slug" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "team_pkey" PRIMARY KEY ("account_id","id")
);

CREATE TABLE "team_member" (
    "account_id" UUID NOT NULL,
    "team_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "role" "role" NOT NULL,
    "joined_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "team_member_pkey" PRIMARY KEY ("account_id","team_id","user_id")
);

-- One person is one user: whoever signs in by their address is found by it. Who was removed doesn't count.
CREATE UNIQUE INDEX "users_email_key" ON "users"("email") WHERE "removed_at" IS NULL;

CREATE UNIQUE INDEX "team_account_id_slug_key" ON "team"("account_id", "slug");

CREATE INDEX "team_member_account_id_user_id_idx" ON "team_member"("account_id", "user_id");

ALTER TABLE "team_member" ADD CONSTRAINT "team_member_account_id_team_id_fkey" FOREIGN KEY ("account_id", "team_id") REFERENCES "team"("account_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "team_member" ADD CONSTRAINT "team_member_account_id_user_id_fkey" FOREIGN KEY ("account_id", "user_id") REFERENCES "users"("account_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;
