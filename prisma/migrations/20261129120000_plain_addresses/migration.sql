-- Addresses were stored as the socket had them: IPv4 as "::ffff:203.0.113.7" where the server listened on IPv6. They are
-- compared with plain ones from now on. The audit log and the journal stay as they were written.
UPDATE "session" SET "address" = substr("address", 8) WHERE "address" LIKE '::ffff:%.%.%.%';

UPDATE "device_sign_in" SET "address" = substr("address", 8) WHERE "address" LIKE '::ffff:%.%.%.%';

UPDATE "application_token" SET "last_used_address" = substr("last_used_address", 8)
WHERE "last_used_address" LIKE '::ffff:%.%.%.%';

UPDATE "application_token" SET "addresses" = ARRAY(
  SELECT regexp_replace("known"."address", '^::ffff:(?=[0-9.]+$)', '')
  FROM unnest("addresses") WITH ORDINALITY AS "known" ("address", "place")
  GROUP BY 1 ORDER BY min("known"."place"))
WHERE array_to_string("addresses", ' ') LIKE '%::ffff:%';
