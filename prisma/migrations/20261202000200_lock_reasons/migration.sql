-- What holders need locks for.
ALTER TABLE "lock" ADD COLUMN "reason" TEXT;
ALTER TABLE "lock_waiter" ADD COLUMN "reason" TEXT;
