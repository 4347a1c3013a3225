-- Where people have proved who they are: wrong passwords from elsewhere don't lock them out there.
CREATE TABLE "sign_in_place" (
    "account_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "place_hash" BYTEA NOT NULL,
    "used_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sign_in_place_pkey" PRIMARY KEY ("account_id","user_id","place_hash")
);

CREATE INDEX "sign_in_place_used_at_idx" ON "sign_in_place"("used_at");

ALTER TABLE "sign_in_place" ADD CONSTRAINT "sign_in_place_account_id_user_id_fkey" FOREIGN KEY ("account_id", "user_id") REFERENCES "users"("account_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Those that are known by now: an IPv4 address, or the /64 of an IPv6 one.
INSERT INTO "sign_in_place" ("account_id", "user_id", "place_hash", "used_at")
SELECT "account_id", "user_id", sha256(convert_to("user_id"::text || ' ' || "place", 'UTF8')), max("last_used_at")
FROM (
  SELECT "account_id", "user_id", "last_used_at", CASE
    WHEN "address" LIKE '%:%' THEN text(network(set_masklen("address"::inet, 64)))
    ELSE "address"
  END AS "place"
  FROM "session"
  WHERE "last_used_at" > now() - interval '90 days'
    AND "address" ~ '^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-f]{0,4}(:[0-9a-f]{0,4}){2,7})$'
) AS "used"
GROUP BY 1, 2, 3;

-- The /24 or /48 that a waiting device asks from, by which room is shared. Devices that wait already share none with others.
ALTER TABLE "device_sign_in" ADD COLUMN "network" TEXT NOT NULL DEFAULT '';
