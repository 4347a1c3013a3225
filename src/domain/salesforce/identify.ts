import { z } from 'zod'
import type { Call } from './calls.ts'
import { connect } from './connection.ts'
import { SalesforceFailure } from './errors.ts'
import { apiFailure, jsonOf, withoutData } from './failure.ts'
import type { Session, Tokens } from './oauth.ts'
import type { OrgFacts, OrgKind } from './org.ts'

/** The oldest API version that is spoken; older ones are about to end. */
const minApiVersion = 41

const organizationSoql =
  'SELECT Id, Name, InstanceName, OrganizationType, IsSandbox, TrialExpirationDate FROM Organization'
const devHubSoql = 'SELECT Id FROM ScratchOrgInfo LIMIT 1'

const organizationForm = z.object({
  Id: z.string(),
  Name: z.string(),
  InstanceName: z.string().nullable(),
  OrganizationType: z.string().nullable(),
  IsSandbox: z.boolean(),
  TrialExpirationDate: z.string().nullable(),
})
const userForm = z.object({ Username: z.string() })
const versionsForm = z.array(z.object({ version: z.string().regex(/^\d+\.\d$/) })).min(1)

/** What is asked of an org, and by which newest version. */
export interface IdentifyDeps {
  readonly call: Call
  /** The newest API version to use, such as `66.0`. */
  readonly maxApiVersion: string
}

/** Which org and user tokens belong to. @throws {SalesforceFailure} */
export async function identify(deps: IdentifyDeps, tokens: Tokens): Promise<OrgFacts> {
  const { newestApiVersion, connection, organization } = await probe(deps, tokens)
  const [user, isDevHub] = await Promise.all([
    connection.request(`/sobjects/User/${tokens.userId}?fields=Username`),
    connection.query(devHubSoql).then(() => true, isNoDevHub),
  ])
  const { Username } = parsed(userForm, user)
  const expiresAt = organization.TrialExpirationDate
  return {
    username: Username.toLowerCase(),
    orgId: organization.Id,
    name: organization.Name,
    instanceName: organization.InstanceName ?? '',
    kind: kindOf(organization),
    edition: organization.OrganizationType ?? '',
    isDevHub,
    expiresAt: expiresAt === null ? undefined : new Date(expiresAt.replace('+0000', 'Z')),
    newestApiVersion,
  }
}

/** Connects to an org, and reads what it says of itself. @throws {SalesforceFailure} */
export async function probe({ call, maxApiVersion }: IdentifyDeps, session: Session) {
  const newestApiVersion = await newestVersion(call, session)
  const apiVersion = apiVersionFor(newestApiVersion, maxApiVersion)
  const connection = await connect({ ...session, apiVersion }, call)
  const { records } = await connection.query(organizationSoql)
  return { newestApiVersion, apiVersion, connection, organization: parsed(organizationForm, records[0]) }
}

/** The version to use with an org, of those that both sides know. */
export function apiVersionFor(newest: string, max: string): string {
  return Number(newest) < Number(max) ? newest : max
}

async function newestVersion(call: Call, { instanceUrl, accessToken }: Session): Promise<string> {
  const answer = await call({ method: 'GET', url: `${instanceUrl}/services/data/` })
  if (answer.status !== 200) throw apiFailure(answer, [accessToken])
  const { data } = versionsForm.safeParse(jsonOf(answer))
  if (data === undefined) throw withoutData(answer)
  const newest = data.map(({ version }) => version).reduce((a, b) => (Number(a) > Number(b) ? a : b))
  if (Number(newest) >= minApiVersion) return newest
  const message = `The org offers API versions up to ${newest}; at least ${minApiVersion}.0 is needed.`
  throw new SalesforceFailure(message, { reason: 'API_VERSION' })
}

/** Scratch orgs are created by Dev Hubs, which alone know them. */
function isNoDevHub(error: unknown): boolean {
  if (error instanceof SalesforceFailure && error.state === undefined && !error.isSessionInvalid) return false
  throw error
}

function kindOf({ IsSandbox, TrialExpirationDate, OrganizationType }: z.output<typeof organizationForm>): OrgKind {
  if (IsSandbox) return TrialExpirationDate === null ? 'SANDBOX' : 'SCRATCH'
  return OrganizationType === 'Developer Edition' ? 'DEVELOPER' : 'PRODUCTION'
}

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new SalesforceFailure(
    'Salesforce answered in an unexpected form.',
    { reason: 'UNEXPECTED_ANSWER' },
    { cause: result.error },
  )
}
