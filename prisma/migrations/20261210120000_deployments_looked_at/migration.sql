ALTER TABLE "salesforce_deployment" ADD COLUMN "looked_at" TIMESTAMPTZ(3);

-- Few are under way at a time; those that have ended are not looked at again.
CREATE INDEX "salesforce_deployment_under_way_idx" ON "salesforce_deployment"("looked_at" NULLS FIRST) WHERE "status" IS NULL;
