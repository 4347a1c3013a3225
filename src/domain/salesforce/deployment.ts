import { z } from 'zod'

/** What a task has started in an org, so that its next attempt goes on with that instead of starting it again. */
export interface Deployment {
  readonly taskId: string
  /** The id of the registered org. */
  readonly orgId: string
  /** Salesforce's id of it. */
  readonly deployId: string
  /** Whether nothing is changed in the org. */
  readonly isValidation: boolean
  readonly startedAt: Date
  /** Salesforce's word for how it ended; null until then. */
  readonly status: string | null
}

/** How a deployment ended, for the event that announces it. */
export const deploymentReport = z.object({
  deployId: z.string(),
  status: z.string().max(40),
  isSuccessful: z.boolean(),
  componentsDeployed: z.int().min(0),
  componentsTotal: z.int().min(0),
  componentErrors: z.int().min(0),
  testsRun: z.int().min(0),
  testErrors: z.int().min(0),
})
export type DeploymentReport = z.output<typeof deploymentReport>
