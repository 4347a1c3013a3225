import { createHmac, randomUUID } from 'node:crypto'
import { authUrlOf, jwtApp } from '#test/support/salesforce/orgs.ts'
import type { FakeSalesforce } from '#test/support/salesforce/server.ts'
import type { Things } from '#test/support/things.ts'
import { until } from '#test/support/until.ts'

/** What an example can use that is to change something, so that the audit log has an entry of it. */
export interface Scene {
  /** Of this example alone. */
  readonly things: Things
  /** The access token of the person among the things. */
  readonly person: string
  /** A token of the installation's operator. */
  readonly operator: string
  /** Asks as the owner's token, or with another one; returns the data. */
  ask<Data>(query: string, variables?: object, token?: string): Promise<Data>
  /** Has a task ask for an approval, as a worker would. */
  asksForApproval(taskId: string): Promise<void>
  /** Lets half a minute pass since an account was suspended; returns its name. */
  settled(accountId: string): Promise<string>
  readonly salesforce: FakeSalesforce
  /** The OIDC token of a CI job that a trust rule matches. */
  ciToken(): Promise<string>
  /** Signs the person in at the identity provider; returns what they come back with to the REST API. */
  comeBack(): Promise<{ readonly cookie: string; readonly query: Record<string, string> }>
  /** The same for the GraphQL API. */
  finishOidc(): Promise<{ readonly parameters: string; readonly pending: string }>
}

/** The entry that the audit log has of a call. */
export interface Audited<Call> {
  /** How it is called so that it changes something, where the example of the right doesn't. */
  readonly call?: (scene: Scene) => Call | Promise<Call>
  /** Who calls; the owner's token when absent. */
  readonly as?: 'person' | 'nobody' | 'hook' | 'operator'
  readonly type: string
  /** What the entry is about; any of the kind when it ends with a colon. */
  readonly subject: (things: Things) => string
}

/** Why the audit log has no entry of a call. */
interface Unaudited {
  readonly unaudited: string
}

export type Audit<Call> = Audited<Call> | Unaudited

const waitingDevice = `mutation { beginDeviceSignIn(input: { clientName: "audited" }) {
  ... on BeginDeviceSignInPayload { deviceCode userCode } } }`

/** The secrets of the hooks that the table calls. */
export const hookSecrets = { github: "It's a Secret to Everybody", 'azure-devops': 'a plain secret of somebody' }

/** A push as GitHub sends it, with its signature. */
export function githubPush(delivery: string): { readonly headers: Record<string, string>; readonly body: object } {
  const body = { ref: `refs/heads/${delivery}` }
  const signature = createHmac('sha256', hookSecrets.github).update(JSON.stringify(body)).digest('hex')
  const headers = {
    'x-github-event': 'push',
    'x-github-delivery': delivery,
    'x-hub-signature-256': `sha256=${signature}`,
  }
  return { headers, body }
}

/** The id of the scene's task, which is cancelled. */
export async function cancelledTask({ ask, things: { taskId: id } }: Scene): Promise<string> {
  await ask('mutation ($id: ID!) { cancelTask(input: { id: $id }) { __typename } }', { id })
  return id
}

/** The id of the scene's schedule, which is paused. */
export async function pausedSchedule({ ask, things: { scheduleId: id } }: Scene): Promise<string> {
  await ask('mutation ($id: ID!) { pauseTaskSchedule(input: { id: $id }) { __typename } }', { id })
  return id
}

/** A task that asks for an approval. */
export async function taskThatAsks({ ask, asksForApproval }: Scene): Promise<string> {
  const submit = `mutation { submitTask(input: { type: "probe" }) { ... on SubmitTaskPayload { task { id } } } }`
  const { submitTask } = await ask<{ submitTask: { task: { id: string } } }>(submit)
  await asksForApproval(submitTask.task.id)
  return submitTask.task.id
}

/** A task type that is paused. */
export async function pausedType({ ask }: Scene): Promise<string> {
  const type = 'never.submitted'
  await ask('mutation ($type: String!) { pauseTasks(input: { type: $type }) { __typename } }', { type })
  return type
}

/** The code of a device that the person of the scene has approved. */
export async function approvedDevice({ ask, person }: Scene): Promise<string> {
  const { beginDeviceSignIn: device } = await ask<{ beginDeviceSignIn: { deviceCode: string; userCode: string } }>(
    waitingDevice,
  )
  const approve = 'mutation ($code: String!) { approveDevice(input: { userCode: $code }) { __typename } }'
  await ask(approve, { code: device.userCode }, person)
  return device.deviceCode
}

/** A refresh token of the person of the scene. */
export async function refreshToken({ ask, things }: Scene): Promise<string> {
  const { signIn } = await ask<{ signIn: { refreshToken: string } }>(
    `mutation ($email: String!, $password: String!) { signIn(input: { email: $email, password: $password }) {
       ... on SignInPayload { refreshToken } } }`,
    { email: things.email, password: things.password },
  )
  return signIn.refreshToken
}

/** The fence of the lock that the owner's token holds. */
export async function fenceOf({ ask, things }: Scene): Promise<number> {
  const { lock } = await ask<{ lock: { fence: number } }>('query ($name: String!) { lock(name: $name) { fence } }', {
    name: things.lockName,
  })
  return lock.fence
}

/** A team that the person of the scene is not in. */
export async function otherTeam({ ask, things }: Scene): Promise<string> {
  const slug = `other-${things.teamSlug}`
  await ask('mutation ($slug: String!) { createTeam(input: { name: "Other", slug: $slug }) { __typename } }', { slug })
  return slug
}

/** An event of the kind that the webhook of the scene asks for, some time ago. */
export async function pastEvent({ ask, things }: Scene): Promise<string> {
  const from = new Date(Date.now() - 60_000).toISOString()
  const subject = `event:of-${things.webhookId}`
  const trigger =
    'mutation ($subject: String) { triggerEvent(input: { type: "nothing.at.all", subject: $subject }) { __typename } }'
  await ask(trigger, { subject })
  // Transactions of other calls that are still open hold the end of the journal back.
  await until(async () => {
    const query = 'query ($subject: String) { events(subject: $subject) { nodes { type } } }'
    return (await ask<{ events: { nodes: unknown[] } }>(query, { subject })).events.nodes.length > 0
  })
  return from
}

/** An account that the operator has created. */
export async function newAccount({ ask, operator }: Scene): Promise<string> {
  const create = `mutation ($name: String!) { createAccount(input: { name: $name }) {
    ... on CreateAccountPayload { account { id } } } }`
  const name = `made by a test ${randomUUID()}`
  const { createAccount } = await ask<{ createAccount: { account: { id: string } } }>(create, { name }, operator)
  return createAccount.account.id
}

/** An account that the operator has suspended. */
export async function suspendedAccount(scene: Scene): Promise<string> {
  const account = await newAccount(scene)
  const suspend = 'mutation ($account: String!) { suspendAccount(input: { account: $account }) { __typename } }'
  await scene.ask(suspend, { account }, scene.operator)
  return account
}

let orgs = 0

/** An org that exists at Salesforce, with what registers it. */
function newOrg({ model }: FakeSalesforce) {
  orgs += 1
  return model.addOrg({ domain: `audited${orgs}`, username: `audited${orgs}@acme.example` })
}

/** What registers an org. */
export function registration({ salesforce }: Scene): Record<string, unknown> {
  return jwtApp(salesforce, newOrg(salesforce)).input
}

/** The same as the SFDX auth URL of a user. */
export function sfdxAuthUrl({ salesforce }: Scene): string {
  return authUrlOf(salesforce, newOrg(salesforce), salesforce.model.addApp())
}

/** The id of an org that is registered. */
export async function registeredOrg(scene: Scene, input = registration(scene)): Promise<string> {
  const register = `mutation ($input: RegisterSalesforceOrgInput!) { registerSalesforceOrg(input: $input) {
    ... on RegisterSalesforceOrgPayload { org { id } } } }`
  const { registerSalesforceOrg } = await scene.ask<{ registerSalesforceOrg: { org: { id: string } } }>(register, {
    input,
  })
  return registerSalesforceOrg.org.id
}

/** The scene's environment, held by the owner's token. */
export async function heldEnvironment(scene: Scene): Promise<{ id: string; fence: number }> {
  const id = scene.things.environmentId
  const acquire = `mutation ($input: AcquireEnvironmentInput!) { acquireEnvironment(input: $input) {
    ... on AcquireEnvironmentPayload { environment { lease { fence } } } } }`
  const { acquireEnvironment } = await scene.ask<{ acquireEnvironment: { environment: { lease: { fence: number } } } }>(
    acquire,
    { input: { anyOf: [id], ttlMs: 60_000 } },
  )
  return { id, fence: acquireEnvironment.environment.lease.fence }
}

/** A sandbox whose production org is registered. */
export async function sandbox(scene: Scene): Promise<{ sandboxName: string; production: string }> {
  const { salesforce } = scene
  const parent = newOrg(salesforce)
  const { app, input } = jwtApp(salesforce, parent)
  const username = `dev.${parent.users[0]?.username}`
  app.approved.add(username)
  salesforce.model.addOrg({ domain: `${parent.name}--dev`, username, kind: 'sandbox', parent, sandboxName: 'dev' })
  return { sandboxName: 'dev', production: await registeredOrg(scene, input) }
}

/** The parameters that a person comes back from Salesforce with. */
export async function salesforceCallback({ salesforce, ask }: Scene): Promise<Record<string, string>> {
  const org = newOrg(salesforce)
  const redirectUri = 'https://signalbox.test/callback'
  const app = salesforce.model.addApp({ callbackUrls: [redirectUri] })
  const begin = `mutation ($input: BeginSalesforceLoginInput!) { beginSalesforceLogin(input: $input) {
    ... on BeginSalesforceLoginPayload { url } } }`
  const input = { clientId: app.clientId, loginUrl: salesforce.urlOf(org), redirectUri }
  const { beginSalesforceLogin } = await ask<{ beginSalesforceLogin: { url: string } }>(begin, { input })
  return Object.fromEntries(await salesforce.approve(beginSalesforceLogin.url))
}

/** A task of a registered type, and how a worker claims it. */
export async function remoteTask({
  ask,
}: Scene): Promise<{ readonly worker: string; readonly types: readonly string[] }> {
  const type = `remote.${randomUUID().slice(0, 8)}`
  const register = 'mutation ($types: [TaskTypeInput!]!) { registerTaskTypes(input: { types: $types }) { __typename } }'
  await ask(register, { types: [{ name: type, inputSchema: true }] })
  await ask('mutation ($type: String!) { submitTask(input: { type: $type }) { __typename } }', { type })
  return { worker: type, types: [type] }
}

/** A task that the caller has a lease of. */
export async function leasedTask(scene: Scene): Promise<{ readonly taskId: string; readonly fence: number }> {
  const query = `mutation ($input: ClaimTasksInput!) {
    claimTasks(input: $input) { ... on ClaimTasksPayload { leases { task { id } fence } } }
  }`
  interface Claimed {
    readonly claimTasks: {
      readonly leases: readonly { readonly task: { readonly id: string }; readonly fence: number }[]
    }
  }
  const { claimTasks } = await scene.ask<Claimed>(query, { input: await remoteTask(scene) })
  const [lease] = claimTasks.leases
  return { taskId: lease?.task.id ?? '', fence: lease?.fence ?? 0 }
}

/** A remote worker of the caller's; returns its id. */
export async function newWorker(scene: Scene): Promise<string> {
  const query = `mutation ($input: ClaimTasksInput!) { claimTasks(input: $input) { ... on ClaimTasksPayload { workerId } } }`
  const input = await remoteTask(scene)
  return (await scene.ask<{ claimTasks: { workerId: string } }>(query, { input })).claimTasks.workerId
}
