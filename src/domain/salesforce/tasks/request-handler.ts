import type { Deployment } from '#domain/salesforce/deployment.ts'
import { findDeployment, saveDeployment } from '#domain/salesforce/deployment-store.ts'
import { settleDeployment } from '#domain/salesforce/deployments.ts'
import {
  NoDefaultOrg,
  SalesforceFailure,
  SalesforceOrgNotFound,
  SalesforceOrgUnusable,
} from '#domain/salesforce/errors.ts'
import { orgEvent } from '#domain/salesforce/events.ts'
import { getOrgOrDefault } from '#domain/salesforce/find-org.ts'
import type { OrgRow } from '#domain/salesforce/org.ts'
import { findOrg } from '#domain/salesforce/store.ts'
import type { TokenKeeper, TokenKeeperDeps } from '#domain/salesforce/token-keeper.ts'
import { type AttemptSession, type OrgReplies, type OrgReply, type OrgRequest, orgRequest } from './org-requests.ts'

/** Which attempt asks. */
interface AskingAttempt {
  readonly accountId: string
  readonly taskId: string
  readonly type: string
}

/** Reads pieces of parts of other tasks of an account. */
export type ReadTaskPart = (
  accountId: string,
  part: { readonly taskId: string; readonly taskType: string; readonly name: string },
  from: number,
) => Promise<{ readonly bytes: Uint8Array; readonly sizeBytes: number } | undefined>

export interface RequestHandlerDeps extends Pick<TokenKeeperDeps, 'sql' | 'transact'> {
  readonly keeper: TokenKeeper
  readonly readTaskPart: ReadTaskPart
}

type Ask<Kind extends OrgRequest['kind']> = Extract<OrgRequest, { kind: Kind }>
type Answers = {
  readonly [Kind in OrgRequest['kind']]: (
    asked: Ask<Kind>,
    attempt: AskingAttempt,
    stop: AbortSignal,
  ) => Promise<OrgReplies[Kind]>
}

/** Makes the function that answers attempts of Salesforce task types, in the server's process. */
export function createRequestHandler(deps: RequestHandlerDeps) {
  const { sql, readTaskPart } = deps
  const answers: Answers = {
    session: (asked, attempt) => session(deps, asked, attempt),
    state: async ({ orgId: id, state, message }, { accountId }) => {
      await deps.keeper.noteState({ accountId, id }, state, message)
      return null
    },
    limitsNear: (asked, attempt) => limitsNear(deps, asked, attempt),
    part: async ({ kind: _, from, ...part }, { accountId }) => (await readTaskPart(accountId, part, from)) ?? null,
    ownDeployment: async (_, { accountId, taskId }) => (await findDeployment(sql, accountId, taskId)) ?? null,
    deploymentOf: async ({ taskId }, { accountId }) => (await findDeployment(sql, accountId, taskId)) ?? null,
    deploymentStarted: (asked, attempt) => deploymentStarted(deps, asked, attempt),
    deploymentEnded: async ({ report }, attempt) => {
      await settleDeployment(deps.transact, attempt, report)
      return null
    },
    stopReason: async (_asked, _attempt, stop) => (stop.aborted ? String(stop.reason) : null),
  }
  return async (request: unknown, attempt: AskingAttempt, stop: AbortSignal): Promise<OrgReply> => {
    const asked = orgRequest.parse(request)
    const answer = answers[asked.kind] as (
      asked: OrgRequest,
      attempt: AskingAttempt,
      stop: AbortSignal,
    ) => Promise<unknown>
    try {
      return { kind: 'answer', answer: await answer(asked, attempt, stop) }
    } catch (error) {
      return refusal(error)
    }
  }
}

async function session(
  deps: RequestHandlerDeps,
  { org, staleVersion }: Ask<'session'>,
  attempt: AskingAttempt,
): Promise<AttemptSession> {
  const row = await getOrgOrDefault(deps.sql, attempt.accountId, org)
  if (staleVersion === undefined) await noteUse(deps, row, attempt)
  const { id, username } = row
  const { instanceUrl, accessToken, accessVersion, apiVersion } = await deps.keeper.session(row, staleVersion)
  return { id, username, instanceUrl, accessToken, accessVersion, apiVersion, wasActive: row.state === 'ACTIVE' }
}

/** Each use of a credential is in the audit log, before it. */
async function noteUse({ transact }: RequestHandlerDeps, row: OrgRow, attempt: AskingAttempt): Promise<void> {
  const { taskId, type: taskType } = attempt
  await transact(async (tx) => tx.journal(orgEvent('salesforce.credential_used', row, undefined, { taskId, taskType })))
}

async function limitsNear(
  { sql, transact }: RequestHandlerDeps,
  { orgId, limits }: Ask<'limitsNear'>,
  { accountId, taskId }: AskingAttempt,
): Promise<null> {
  const row = await findOrg(sql, { accountId, id: orgId })
  if (row !== undefined)
    await transact(async (tx) => tx.journal(orgEvent('salesforce.limit_near', row, undefined, { taskId, limits })))
  return null
}

async function deploymentStarted(
  { transact }: RequestHandlerDeps,
  { orgId, deployId, isValidation }: Ask<'deploymentStarted'>,
  { accountId, taskId }: AskingAttempt,
): Promise<null> {
  const started: Omit<Deployment, 'startedAt' | 'status'> = { taskId, orgId, deployId, isValidation }
  await transact.quiet('what a task has started in an org')((tx) => saveDeployment(tx, { accountId, ...started }))
  return null
}

/** What the attempt fails with; bugs stay what they are. @throws */
function refusal(error: unknown): OrgReply {
  const { message } = error as Error
  if (error instanceof SalesforceOrgNotFound || error instanceof NoDefaultOrg)
    return { kind: 'refused', code: 'SALESFORCE_ORG_NOT_FOUND', message, mayPass: false }
  if (error instanceof SalesforceOrgUnusable)
    return { kind: 'refused', code: error.code, message, mayPass: error.state !== 'NEEDS_REAUTHORIZATION' }
  if (error instanceof SalesforceFailure)
    return { kind: 'refused', code: 'SALESFORCE_REFUSED', message, mayPass: error.mayPass }
  throw error
}
