import { z } from 'zod'
import { type Deployment, deploymentReport } from '#domain/salesforce/deployment.ts'

const taskRef = { taskId: z.uuid(), taskType: z.string() }

/** What an attempt of a Salesforce task type asks the server for. */
export const orgRequest = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('session'),
    /** By id or username; the default org when absent. */
    org: z.string().optional(),
    /** The access token of this version is not valid any more. */
    staleVersion: z.int().optional(),
  }),
  /** What Salesforce has said of an org's state. */
  z.object({
    kind: z.literal('state'),
    orgId: z.uuid(),
    state: z.enum(['ACTIVE', 'BLOCKED', 'LOCKED', 'MAINTENANCE']),
    message: z.string().max(1_000).nullable(),
  }),
  z.object({
    kind: z.literal('limitsNear'),
    orgId: z.uuid(),
    limits: z.array(z.object({ name: z.string(), max: z.number(), remaining: z.number() })).max(500),
  }),
  /** Up to 1 MiB of another task's part. */
  z.object({ kind: z.literal('part'), ...taskRef, name: z.string(), from: z.int().min(0) }),
  /** The deployment that an earlier attempt of this task has started. */
  z.object({ kind: z.literal('ownDeployment') }),
  z.object({ kind: z.literal('deploymentOf'), taskId: z.uuid() }),
  z.object({ kind: z.literal('deploymentStarted'), orgId: z.uuid(), deployId: z.string(), isValidation: z.boolean() }),
  z.object({ kind: z.literal('deploymentEnded'), report: deploymentReport }),
  /** Why the attempt was asked to stop. */
  z.object({ kind: z.literal('stopReason') }),
])
export type OrgRequest = z.output<typeof orgRequest>

/** A session for one attempt. */
export interface AttemptSession {
  /** The id of the registered org. */
  readonly id: string
  readonly username: string
  readonly instanceUrl: string
  readonly accessToken: string
  readonly accessVersion: number
  readonly apiVersion: string
  /** Whether the org's state was ACTIVE when it was last used. */
  readonly wasActive: boolean
}

/** What the server answers with, by the kind of request. */
export interface OrgReplies {
  readonly session: AttemptSession
  readonly state: null
  readonly limitsNear: null
  readonly part: { readonly bytes: Uint8Array; readonly sizeBytes: number } | null
  readonly ownDeployment: Deployment | null
  readonly deploymentOf: Deployment | null
  readonly deploymentStarted: null
  readonly deploymentEnded: null
  readonly stopReason: string | null
}

/** An answer, or why there is none. */
export type OrgReply =
  | { readonly kind: 'answer'; readonly answer: unknown }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string; readonly mayPass: boolean }
