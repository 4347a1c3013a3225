-- A personal token belongs to a person, whose current role limits what it allows. Tokens from before belong to the account.

-- AlterTable
ALTER TABLE "application_token" ADD COLUMN "owner_id" UUID;

-- CreateIndex
CREATE INDEX "application_token_account_id_owner_id_idx" ON "application_token"("account_id", "owner_id");

-- AddForeignKey
ALTER TABLE "application_token" ADD CONSTRAINT "application_token_account_id_owner_id_fkey" FOREIGN KEY ("account_id", "owner_id") REFERENCES "users"("account_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;
