-- What tasks have started in Salesforce orgs.
CREATE TABLE "salesforce_deployment" (
    "account_id" UUID NOT NULL,
    "task_id" UUID NOT NULL,
    "org_id" UUID NOT NULL,
    "deploy_id" TEXT NOT NULL,
    "is_validation" BOOLEAN NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "status" TEXT,

    CONSTRAINT "salesforce_deployment_pkey" PRIMARY KEY ("account_id","task_id")
);

-- AddForeignKey
ALTER TABLE "salesforce_deployment" ADD CONSTRAINT "salesforce_deployment_account_id_task_id_fkey" FOREIGN KEY ("account_id", "task_id") REFERENCES "task"("account_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;
