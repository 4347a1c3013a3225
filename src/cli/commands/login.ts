import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { CommandFailure, exitCodes } from '#cli/exit-codes.ts'
import { interruption } from '#cli/interrupt.ts'
import { collect } from '#cli/options.ts'
import type { SavedSession } from '#cli/saved-session.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { moment, printable } from '#cli/text.ts'
import {
  BeginDeviceSignInDocument,
  type BeginDeviceSignInMutation,
  createClient,
  EndSessionDocument,
  FinishDeviceSignInDocument,
  isPassing,
  payloadOf,
  type SignalboxClient,
} from '#client/index.ts'

interface LoginOptions {
  readonly name?: string
  readonly scope?: readonly string[]
  readonly account?: string
}

type Begun = Extract<BeginDeviceSignInMutation['beginDeviceSignIn'], { deviceCode: string }>

export function addLoginCommand(parent: Command, session: Session): void {
  const command = parent
    .command('login')
    .summary('sign in at a server, with a browser anywhere')
    .description(
      'Signs you in: open the address that it shows in any browser, also on another machine, and approve the code. ' +
        'Other commands then need no token. The session is kept in a file that only you may read.',
    )
    .option('-s, --scope <scope>', 'limit the session to this scope, such as tasks:read; may be repeated', collect)
    .option('--account <account>', 'the account to sign in to, by id or name, if you belong to several')
    .option('--name <name>', 'what the page calls this machine', `signalbox on ${hostname()}`.slice(0, 100))
    .addHelpText('after', () =>
      examples(`${session.invocation} login`, `${session.invocation} login --scope tasks:write --scope events:read`),
    )
  session.anonymous(command, (api, options: LoginOptions) => login(api, options, session.saved(api.client.url)))
}

async function login({ client, output, json }: Api, options: LoginOptions, saved: SavedSession) {
  const { name = '', scope, account } = options
  using interrupted = interruption()
  const input = { clientName: name, scopes: scope && [...scope] }
  const begun = payloadOf((await client.request(BeginDeviceSignInDocument, { input })).beginDeviceSignIn)
  const address = addressOf(client.url, begun, account)
  if (json) output.record({ verificationUri: address, userCode: begun.userCode, expiresAt: begun.expiresAt })
  else {
    output.remark(`Open this address in any browser and sign in:\n\n  ${address}\n`)
    output.remark(`Approve when it shows this code:\n\n  ${output.styled('bold', begun.userCode)}\n`)
    output.remark(`Waiting until ${moment(begun.expiresAt)}; Ctrl-C gives up.`)
  }
  const { email, role, accessToken, accessTokenExpiresAt, refreshToken } = await approved(
    client,
    begun,
    interrupted.signal,
  )
  const before = await saved.read()
  await saved.write({ url: client.url, email, accessToken, accessTokenExpiresAt, refreshToken })
  if (before !== undefined) await end(client.url, before.accessToken)
  if (json) output.record({ email, role, file: saved.file })
  else output.line(`You are signed in at ${client.url} as ${printable(email)} (${role}).`)
}

/** A server that doesn't know its own address gives a path. */
function addressOf(url: string, { verificationUri, userCode }: Begun, account: string | undefined): string {
  const base = verificationUri.startsWith('/') ? url.replace(/\/?(graphql)?\/?$/, '') : ''
  return `${base}${verificationUri}?${new URLSearchParams({ user_code: userCode, ...(account && { account }) })}`
}

async function approved(client: SignalboxClient, { deviceCode, expiresAt, intervalMs }: Begun, signal: AbortSignal) {
  let wait = intervalMs
  for (;;) {
    await sleep(wait, undefined, { signal }).catch(() => signal.throwIfAborted())
    const answer = await ask(client, deviceCode, expiresAt, signal)
    if (answer?.__typename === 'SlowDown') wait = answer.intervalMs
    else if (answer !== undefined && answer.__typename !== 'AuthorizationPending') return granted(answer)
  }
}

type Answer = NonNullable<Awaited<ReturnType<typeof ask>>>

/** The outcome; undefined where the server does not answer, and there is time left to ask again. */
async function ask(client: SignalboxClient, deviceCode: string, expiresAt: string, signal: AbortSignal) {
  try {
    return (await client.request(FinishDeviceSignInDocument, { deviceCode }, { signal })).finishDeviceSignIn
  } catch (error) {
    if (!isPassing(error) || Date.parse(expiresAt) < Date.now()) throw error
    return undefined
  }
}

function granted(answer: Answer) {
  if (answer.__typename === 'DeviceDenied')
    throw new CommandFailure('The sign-in was refused on the page.', exitCodes.denied)
  if (answer.__typename === 'DeviceCodeExpired')
    throw new CommandFailure('Nobody approved in time: run login again.', exitCodes.denied)
  return payloadOf(answer as Extract<Answer, { accessToken: string }>)
}

/** What was signed in before stands behind no file any more. It may have expired. */
async function end(url: string, token: string): Promise<void> {
  const client = createClient({ url, token })
  await client.request(EndSessionDocument, {}).catch(() => undefined)
  await client.close()
}

export function addLogoutCommand(parent: Command, session: Session): void {
  const command = parent
    .command('logout')
    .summary('sign out')
    .description('Ends the session of `login` at the server, with everything running under it, and removes its file.')
  session.anonymous(command, (api) => logout(api, session.saved(api.client.url)))
}

async function logout({ client, output, json }: Api, saved: SavedSession): Promise<void> {
  const wasSignedIn = (await saved.read()) !== undefined
  if (wasSignedIn) await endSaved(saved)
  if (json) output.document({ wasSignedIn })
  else output.line(wasSignedIn ? `You are signed out at ${client.url}.` : `You were not signed in at ${client.url}.`)
}

async function endSaved(saved: SavedSession): Promise<void> {
  const client = createClient({ url: saved.url, token: () => saved.token() })
  try {
    await client.request(EndSessionDocument, {})
  } catch (error) {
    if (!isPassing(error)) return
    throw new CommandFailure(
      `${error.message} The file of the session is removed; at the server it goes on for up to 30 days: ` +
        'end it with `session end` once that answers.',
      exitCodes.unavailable,
      { cause: error },
    )
  } finally {
    await saved.remove()
    await client.close()
  }
}
