import { z } from 'zod'
import { invalidValue } from '#lib/errors.ts'
import type { Call } from './calls.ts'
import { connect } from './connection.ts'
import type { Credential } from './credential.ts'
import { SalesforceFailure } from './errors.ts'
import type { Oauth, Tokens } from './oauth.ts'
import type { OrgSession } from './token-keeper.ts'

/** Where Salesforce's own tools let the code come back to; nothing is called there. */
const callbackUrl = 'http://localhost:1717/OauthRedirect'
const nameForm = /^[A-Za-z][A-Za-z0-9]{0,9}$/

const processForm = z.object({ Status: z.string(), EndDate: z.string().nullable().optional() })
const authForm = z.object({ authUserName: z.string(), authCode: z.string(), loginUrl: z.string() })

/** How a sandbox can be registered through its production org. */
export interface SandboxAccess {
  readonly username: string
  readonly loginUrl: string
  readonly credential: Credential
  /** Undefined: the credential is used for some. */
  readonly tokens: Tokens | undefined
}

/** @throws {InvalidInput} for what Salesforce would not take as the name of a sandbox */
export function mustBeSandboxName(name: string): void {
  if (!nameForm.test(name))
    throw invalidValue('`sandboxName`', 'sandboxName', 'must be 1 to 10 letters and digits, the first one a letter')
}

/**
 * Asks a production org to let its own user into one of its sandboxes, with the production org's app.
 * @throws {SalesforceFailure}
 */
export async function openSandbox(
  { call, oauth }: { call: Call; oauth: Oauth },
  session: OrgSession,
  production: Credential,
  name: string,
): Promise<SandboxAccess> {
  const connection = await connect(session, call)
  const soql = `SELECT Id, Status, EndDate FROM SandboxProcess WHERE SandboxName = '${name}' AND Status != 'D'`
  const found = await connection.request<{ records?: unknown[] }>(`/tooling/query?q=${encodeURIComponent(soql)}`)
  const { data: process } = processForm.safeParse(found.records?.[0])
  if (process === undefined)
    throw new SalesforceFailure(`The production org has no sandbox ${name}.`, { reason: 'NO_SANDBOX' })
  if (!process.EndDate)
    throw new SalesforceFailure(`The sandbox ${name} is not ready: its status is ${process.Status}.`, {
      reason: 'SANDBOX_NOT_READY',
    })
  const asked = { clientId: production.clientId, sandboxName: name, callbackUrl }
  const { data: access } = authForm.safeParse(await connection.requestPost('/tooling/sandboxAuth', asked))
  if (access === undefined)
    throw new SalesforceFailure('Salesforce answered in an unexpected form.', { reason: 'UNEXPECTED_ANSWER' })
  const { authUserName: username } = access
  const loginUrl = new URL(access.loginUrl).origin
  if (production.method === 'JWT_BEARER')
    return { username, loginUrl, credential: { ...production, username }, tokens: undefined }
  const { clientId, clientSecret } = production
  const tokens = await oauth.exchangeCode(loginUrl, {
    code: access.authCode,
    redirectUri: callbackUrl,
    clientId,
    clientSecret,
  })
  if (tokens.refreshToken === undefined)
    throw new SalesforceFailure('The app gives no refresh tokens: add the scope refresh_token to it.', {
      reason: 'NO_REFRESH_TOKEN',
    })
  const credential = { method: 'WEB' as const, clientId, clientSecret, refreshToken: tokens.refreshToken }
  return { username, loginUrl, credential, tokens }
}
