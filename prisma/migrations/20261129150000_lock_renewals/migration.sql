-- Of a lock that is renewed every few seconds, one renewal a minute has an entry in the journal; the others are counted.
ALTER TABLE "lock" ADD COLUMN "renewals" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN "renewal_noted_at" TIMESTAMPTZ(3);
