ALTER TABLE "task" ADD COLUMN "parent_id" UUID,
ADD COLUMN "dependents" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN "children" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN "fairness_weight" SMALLINT,
ADD COLUMN "cancels_descendants" BOOLEAN NOT NULL DEFAULT false;

-- Tasks without a parent are not in it, so they cost nothing.
CREATE INDEX "task_children_idx" ON "task"("account_id", "parent_id", "id") WHERE "parent_id" IS NOT NULL;

CREATE INDEX "task_cancels_descendants_idx" ON "task"("account_id", "id") WHERE "cancels_descendants";

CREATE TABLE "task_dependency" (
    "account_id" UUID NOT NULL,
    "task_id" UUID NOT NULL,
    "depends_on_id" UUID NOT NULL,
    "on_failure" TEXT NOT NULL,
    "status" "task_status",
    "depth" SMALLINT NOT NULL,

    CONSTRAINT "task_dependency_pkey" PRIMARY KEY ("account_id","task_id","depends_on_id")
);

CREATE INDEX "task_dependency_account_id_depends_on_id_task_id_idx" ON "task_dependency"("account_id", "depends_on_id", "task_id");

ALTER TABLE "task_dependency" ADD CONSTRAINT "task_dependency_account_id_task_id_fkey"
  FOREIGN KEY ("account_id", "task_id") REFERENCES "task"("account_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;
