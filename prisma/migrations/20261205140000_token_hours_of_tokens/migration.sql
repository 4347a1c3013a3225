-- Calls that were counted after their token's account was deleted.
DELETE FROM "token_hour" WHERE NOT EXISTS (
  SELECT FROM "application_token" AS token WHERE token.account_id = token_hour.account_id AND token.id = token_hour.token_id
);

ALTER TABLE "token_hour" ADD CONSTRAINT "token_hour_account_id_token_id_fkey" FOREIGN KEY ("account_id", "token_id") REFERENCES "application_token"("account_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;
