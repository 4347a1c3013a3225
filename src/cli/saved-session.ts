import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { createClient, payloadOf, RefreshSessionDocument, SignalboxError } from '#client/index.ts'
import type { Environment } from './environment.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import type { SessionFacts } from './session-facts.ts'

/** An access token is renewed this long before it ends, in milliseconds. */
const renewBeforeMs = 60_000
/** A lock whose holder has not been seen for this long is nobody's, in milliseconds. */
const staleLockMs = 40_000
const maxNameLength = 150

/**
 * The session of `login` at one server, in a file that only its user may read. A refresh token works once, and using one
 * again ends the session: commands that run at the same time take turns by a lock.
 */
export class SavedSession {
  readonly url: string
  readonly file: string
  readonly #directory: string

  constructor(url: string, env: Environment) {
    this.url = url
    this.#directory = join(configDirectory(env), 'signalbox', 'sessions')
    this.file = join(this.#directory, `${fileName(url)}.json`)
  }

  /** Undefined when nobody is signed in there. */
  async read(): Promise<SessionFacts | undefined> {
    try {
      const text = await readFile(this.file, 'utf8')
      const { readSessionFacts } = await import('./session-facts.ts')
      return readSessionFacts(text)
    } catch (error) {
      if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw new CommandFailure(`The session in ${this.file} can't be read: ${(error as Error).message}.`)
    }
  }

  /** Keeps a session from now on; another command sees what was there before, or all of this. */
  async write(facts: SessionFacts): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 }).catch((error: unknown) => this.#refuse(error))
    const release = await this.#lock()
    try {
      await this.#put(facts)
    } finally {
      await release()
    }
  }

  async #put(facts: SessionFacts): Promise<void> {
    const draft = `${this.file}.${randomUUID()}`
    try {
      await writeFile(draft, `${JSON.stringify(facts, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' })
      await rename(draft, this.file)
    } catch (error) {
      await rm(draft, { force: true })
      this.#refuse(error)
    }
  }

  #refuse(error: unknown): never {
    throw new CommandFailure(`The session can't be kept in ${this.file}: ${(error as Error).message}.`)
  }

  async remove(): Promise<void> {
    await rm(this.file, { force: true })
  }

  /** An access token that is valid for a minute at least. @throws {CommandFailure} when nobody is signed in any more */
  async token(): Promise<string> {
    const facts = await this.read()
    if (facts === undefined) throw this.#ended()
    return isFresh(facts) ? facts.accessToken : this.#renewed()
  }

  async #renewed(): Promise<string> {
    const release = await this.#lock()
    try {
      // The previous holder of the lock may have done it.
      const facts = await this.read()
      if (facts === undefined) throw this.#ended()
      if (isFresh(facts)) return facts.accessToken
      const { __typename: _, ...pair } = await this.#refresh(facts)
      await this.#put({ ...facts, ...pair })
      return pair.accessToken
    } finally {
      await release()
    }
  }

  async #refresh({ refreshToken }: SessionFacts) {
    const client = createClient({ url: this.url })
    try {
      return payloadOf((await client.request(RefreshSessionDocument, { refreshToken })).refreshSession)
    } catch (error) {
      if (!(error instanceof SignalboxError && error.code === 'UNAUTHENTICATED')) throw error
      await this.remove()
      throw this.#ended()
    } finally {
      await client.close()
    }
  }

  async #lock(): Promise<() => Promise<void>> {
    // Only what has to renew a token needs it.
    const { lock } = await import('proper-lockfile')
    const retries = { forever: true, minTimeout: 50, maxTimeout: 250, maxRetryTime: 2 * staleLockMs }
    try {
      return await lock(this.file, { realpath: false, stale: staleLockMs, retries })
    } catch (cause) {
      throw new CommandFailure(`The session in ${this.file} is held by another command.`, exitCodes.unavailable, {
        cause,
      })
    }
  }

  #ended(): CommandFailure {
    return new CommandFailure(
      `You are no longer signed in at ${this.url}: sign in again with the command login.`,
      exitCodes.denied,
    )
  }
}

function isFresh({ accessTokenExpiresAt }: SessionFacts): boolean {
  return Date.parse(accessTokenExpiresAt) - Date.now() > renewBeforeMs
}

/** See the XDG Base Directory Specification: a path that is not absolute counts as unset. */
function configDirectory(env: Environment): string {
  const { XDG_CONFIG_HOME: given, HOME: home } = env
  return given !== undefined && isAbsolute(given) ? given : join(home || homedir(), '.config')
}

/** One server has one name, whether its address ends with a slash or not. */
function fileName(url: string): string {
  const address = (URL.parse(url)?.href ?? url).replace(/\/?(graphql)?\/?$/, '')
  const name = encodeURIComponent(address)
  return name.length <= maxNameLength ? name : createHash('sha256').update(address).digest('hex')
}
