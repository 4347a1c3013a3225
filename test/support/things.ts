import { randomUUID } from 'node:crypto'
import { graphqlData } from '#test/support/graphql.ts'
import { storeOrg } from '#test/support/salesforce/stored-org.ts'
import type { TestServer } from '#test/support/server.ts'
import { ownAccount } from '#test/support/tokens.ts'

/** What calls are about: objects of the caller's account, or ids of nothing at all. */
export interface Things {
  readonly taskId: string
  readonly tokenId: string
  readonly email: string
  /** Of the person who has the address. */
  readonly password: string
  readonly teamSlug: string
  readonly sessionId: string
  readonly userCode: string
  /** In the collection `default`. */
  readonly documentKey: string
  readonly collection: string
  readonly entryKey: string
  /** That is held. */
  readonly lockName: string
  readonly webhookId: string
  readonly deliveryId: string
  readonly salesforceOrgId: string
  readonly environmentId: string
  readonly secretName: string
  readonly scheduleId: string
}

const password = 'correct horse battery staple'

export function nothing(): Things {
  return {
    taskId: randomUUID(),
    tokenId: randomUUID(),
    email: `${randomUUID()}@example.com`,
    password,
    teamSlug: `team-${randomUUID()}`,
    sessionId: randomUUID(),
    userCode: 'BBBB-BBBB',
    documentKey: randomUUID(),
    collection: `none/${randomUUID()}`,
    entryKey: randomUUID(),
    lockName: randomUUID(),
    webhookId: randomUUID(),
    deliveryId: randomUUID(),
    salesforceOrgId: randomUUID(),
    environmentId: randomUUID(),
    secretName: `NONE_${randomUUID().replaceAll('-', '_').toUpperCase()}`,
    scheduleId: randomUUID(),
  }
}

/** A task, a document, an entry, a lock, a token, a person with a session, a team, and a Salesforce org. */
export async function makeThings(
  at: TestServer,
  role: 'OWNER' | 'MEMBER',
  name = role.toLowerCase(),
): Promise<Things & { signedIn: string }> {
  const email = `${name}@example.com`
  // Names with separators in them, and a document whose name is the same text when its parts are joined with a space.
  const collection = `rules of/${name} x`
  const documentKey = `of ${name}/x y`
  const twin = { collection: `default of ${name}/x`, key: 'y', data: { twin: true } }
  const teamSlug = `team-of-${name}`
  const secretName = `SECRET_OF_${name.replaceAll(/\W/g, '_').toUpperCase()}`
  const [entryKey, lockName] = [`entry of/${name} x`, `lock of/${name} x`]
  const made = await graphqlData<{
    submitTask: { task: { id: string } }
    createApplicationToken: { applicationToken: { id: string } }
    signIn: { accessToken: string }
    beginDeviceSignIn: { userCode: string }
    createWebhook: { webhook: { id: string } }
    createTaskSchedule: { schedule: { id: string } }
  }>(
    at,
    `mutation ($email: String!, $role: PersonRole!, $slug: String!, $password: String!, $runAt: DateTime!,
      $documentKey: String!, $collection: String!, $entryKey: String!, $lockName: String!, $twin: PutDocumentInput!, $secretName: String!) {
      putSecret(input: { name: $secretName, value: "hidden" }) { __typename }
      createCollection(input: { path: $collection }) { __typename }
      registerTaskTypes(input: { types: [{ name: "never.offered", inputSchema: true }] }) { __typename }
      submitTask(input: { type: "probe", runAt: $runAt }) { ... on SubmitTaskPayload { task { id } } }
      putDocument(input: { key: $documentKey, data: { secret: 42 } }) { __typename }
      twin: putDocument(input: $twin) { __typename }
      setEntry(input: { key: $entryKey, value: "kept" }) { __typename }
      acquireLock(input: { name: $lockName, ttlMs: 3600000 }) { __typename }
      createApplicationToken(input: { name: "one", scopes: ["tasks:read"] }) {
        ... on CreateApplicationTokenPayload { applicationToken { id } }
      }
      createUser(input: { email: $email, role: $role }) { __typename }
      createTeam(input: { name: "Team", slug: $slug }) { __typename }
      addTeamMember(input: { slug: $slug, who: $email }) { __typename }
      setPassword(input: { who: $email, password: $password }) { __typename }
      signIn(input: { email: $email, password: $password }) { ... on SignInPayload { accessToken } }
      beginDeviceSignIn(input: { clientName: "one" }) { ... on BeginDeviceSignInPayload { userCode } }
      createWebhook(input: { name: "one", url: "https://nowhere.invalid", events: ["nothing.at.all"], retry: { maxAttempts: 1 } }) {
        ... on CreateWebhookPayload { webhook { id } }
      }
      createTaskSchedule(input: { name: "one", everyMs: 2000000000, task: { type: "probe" } }) {
        ... on CreateTaskSchedulePayload { schedule { id } }
      }
    }`,
    {
      email,
      role,
      slug: teamSlug,
      password,
      documentKey,
      collection,
      entryKey,
      lockName,
      secretName,
      twin,
      runAt: new Date(Date.now() + 3_600_000_000).toISOString(),
    },
  )
  const signedIn = made.signIn.accessToken
  const claims = JSON.parse(Buffer.from(signedIn.split('.')[1] ?? '', 'base64url').toString())
  return {
    taskId: made.submitTask.task.id,
    tokenId: made.createApplicationToken.applicationToken.id,
    email,
    password,
    teamSlug,
    sessionId: claims.sid,
    documentKey,
    collection,
    userCode: made.beginDeviceSignIn.userCode,
    entryKey,
    lockName,
    secretName,
    webhookId: made.createWebhook.webhook.id,
    deliveryId: randomUUID(),
    scheduleId: made.createTaskSchedule.schedule.id,
    environmentId: await storeEnvironment(at, { accountId: await ownAccount(at), name }),
    salesforceOrgId: await storeOrg(at, { accountId: await ownAccount(at), username: `${name}@salesforce.example` }),
    signedIn,
  }
}

/** Stores an environment that nobody holds; returns its id. */
async function storeEnvironment(
  { database }: Pick<TestServer, 'database'>,
  { accountId, name }: { accountId: string; name: string },
): Promise<string> {
  const id = randomUUID()
  await database.query(
    `INSERT INTO environment (account_id, id, name, category, repository, created_by)
     VALUES ($1, $2, $3, 'TEST', 'acme/shop', '{"kind": "system", "id": "test", "name": "test"}')`,
    [accountId, id, name],
  )
  return id
}
