import { basePath } from '#console/lib/base-path.ts'

/** An account that this browser is signed in to, and as whom. */
export interface Session {
  readonly id: string
  readonly kind: string
  readonly name: string
  readonly role: string
  readonly scopes: readonly string[]
  readonly account: { readonly id: string; readonly name: string }
  readonly expiresAt: string | null
}

/** What the server says of itself. */
export interface Instance {
  readonly name?: string
  readonly color?: string
  readonly version: string
  readonly graphiql: boolean
  readonly hasProvider: boolean
}

export interface Sessions {
  readonly instance: Instance
  readonly sessions: readonly Session[]
}

/** Why a sign-in was refused. */
export class SignInError extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

export type SignInForm =
  | { readonly token: string }
  | { readonly email: string; readonly password: string; readonly account?: string }

/** Who this browser is signed in as. */
export async function readSessions(): Promise<Sessions> {
  return (await ask('GET')) as Sessions
}

/** Signs in; the answer's cookie is kept by the browser. Returns the account. @throws {SignInError} */
export async function signIn(form: SignInForm): Promise<string> {
  const { accountId } = (await ask('POST', form)) as { accountId: string }
  return accountId
}

export async function signOut(accountId: string): Promise<void> {
  await ask('DELETE', undefined, `?session=${accountId}`)
}

async function ask(method: string, body?: object, query = ''): Promise<unknown> {
  const response = await fetch(`${basePath}/session${query}`, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  if (response.status === 204) return undefined
  const answer = (await response.json()) as { code?: string; message?: string }
  if (response.ok) return answer
  throw new SignInError(answer.code ?? 'INTERNAL', answer.message ?? `The server answered with ${response.status}.`)
}

const accountKey = 'signalbox.account'

/** The session that this tab shows: the one it had before, or the one that was used last in this browser. */
export function chosenOf({ sessions }: Sessions): Session | undefined {
  const wanted = [sessionStorage.getItem(accountKey), localStorage.getItem(accountKey)]
  for (const id of wanted) {
    const found = sessions.find(({ account }) => account.id === id)
    if (found !== undefined) return found
  }
  return sessions[0]
}

/** Shows an account in this tab from now on; other tabs keep theirs. */
export function choose(accountId: string): void {
  sessionStorage.setItem(accountKey, accountId)
  localStorage.setItem(accountKey, accountId)
}
