import { type GraphqlAnswer, graphql } from './graphql.ts'
import type { TestServer } from './server.ts'
import { until } from './until.ts'
import { connectSocket, type RawSocket } from './websocket.ts'

type Server = Pick<TestServer, 'url' | 'token'>

export interface Entry {
  readonly key: string
  readonly value: unknown
  readonly version: number
  readonly revision: number
  readonly createdAt: string
  readonly updatedAt: string
  readonly expiresAt: string | null
  readonly updatedBy: { readonly name: string }
}

export const entryFields = 'key value version revision createdAt updatedAt expiresAt updatedBy { name }'
const lockFields = 'name fence holder { name } acquiredAt expiresAt queue { actor { name } }'

/** A mutation's payload, or its failure with `code` and whatever that has. */
export interface Outcome {
  readonly __typename: string
  readonly code?: string
  readonly message?: string
  readonly issues?: { readonly path: string; readonly message: string }[]
  readonly entry?: Entry
  readonly key?: string
  readonly version?: number
  readonly revision?: number
  readonly currentVersion?: number
  readonly updatedBy?: { readonly name: string } | null
  readonly current?: number
  readonly currentFence?: number | null
  readonly succeeded?: boolean
  readonly written?: { readonly key: string; readonly version: number; readonly entry: Entry | null }[]
  readonly failedChecks?: { readonly index: number; readonly key: string; readonly entry: Entry | null }[]
  readonly lock?: Lock
  readonly held?: Lock | null
}

export interface Lock {
  readonly name: string
  readonly fence: number
  readonly holder: { readonly name: string }
  readonly acquiredAt: string
  readonly expiresAt: string
  readonly queue: { readonly actor: { readonly name: string } }[]
}

const failures = `... on Failure { code message } ... on InvalidInput { issues { path message } }`
const conflicts = `${failures} ... on EntryVersionConflict { currentVersion updatedBy { name } } ... on FenceLost { currentFence }`

const mutations: Readonly<Record<string, string>> = {
  setEntry: `... on SetEntryPayload { entry { ${entryFields} } revision } ${conflicts}`,
  deleteEntry: `... on DeleteEntryPayload { key version revision } ${conflicts}`,
  incrementEntry: `... on IncrementEntryPayload { entry { ${entryFields} } revision } ${conflicts}
    ... on EntryOutOfBounds { current }`,
  transactEntries: `... on TransactEntriesPayload { succeeded revision written { key version entry { ${entryFields} } }
    failedChecks { index key entry { ${entryFields} } } } ${conflicts} ... on EntryOutOfBounds { current }`,
  acquireLock: `... on AcquireLockPayload { lock { ${lockFields} } } ${failures} ... on LockHeld { held: lock { ${lockFields} } }`,
  renewLock: `... on RenewLockPayload { lock { ${lockFields} } } ${failures} ... on FenceLost { currentFence }`,
  releaseLock: `... on ReleaseLockPayload { lock { ${lockFields} } } ${failures} ... on FenceLost { currentFence }`,
  forceReleaseLock: `... on ForceReleaseLockPayload { name fence holder { name } } ${failures}`,
}

/** The operation of a mutation of entries or locks; its variable is `$input`. */
export function mutationOf(name: string): string {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`
  return `mutation ($input: ${type}!) { outcome: ${name}(input: $input) { __typename ${mutations[name]} } }`
}

/** What somebody can do with entries and locks, by GraphQL. */
export function entriesOf(server: Server, token: string = server.token) {
  async function asked<Data>(query: string, variables: Record<string, unknown>): Promise<Data> {
    const { data, errors }: GraphqlAnswer<Data> = await graphql<Data>(server, query, variables, token)
    if (errors !== undefined || data == null) throw Object.assign(new Error(JSON.stringify(errors)), { errors })
    return data
  }
  const change = async (name: string, input: object) =>
    (await asked<{ outcome: Outcome }>(mutationOf(name), { input })).outcome
  return {
    set: (key: string, value: unknown, more: object = {}) => change('setEntry', { key, value, ...more }),
    remove: (key: string, more: object = {}) => change('deleteEntry', { key, ...more }),
    increment: (key: string, more: object = {}) => change('incrementEntry', { key, ...more }),
    transact: (input: object) => change('transactEntries', input),
    acquire: (name: string, more: object = {}) => change('acquireLock', { name, ttlMs: 60_000, ...more }),
    renew: (name: string, fence: number, ttlMs: number) => change('renewLock', { name, fence, ttlMs }),
    release: (name: string, fence: number) => change('releaseLock', { name, fence }),
    force: (name: string) => change('forceReleaseLock', { name }),
    async get(key: string): Promise<Entry | null> {
      return (
        await asked<{ entry: Entry | null }>(`query ($key: String!) { entry(key: $key) { ${entryFields} } }`, { key })
      ).entry
    },
    async lock(name: string): Promise<Lock | null> {
      return (
        await asked<{ lock: Lock | null }>(`query ($name: String!) { lock(name: $name) { ${lockFields} } }`, { name })
      ).lock
    },
    asked,
  }
}

export type Entries = ReturnType<typeof entriesOf>

export interface EntryChange {
  readonly kind: string
  readonly cursor: string | null
  readonly key: string | null
  readonly version: number | null
  readonly revision: number | null
  readonly value: unknown
  readonly hasValue: boolean
  readonly skipped: number | null
}

const changesQuery = `subscription ($prefix: String!, $after: String) {
  entryChanges(prefix: $prefix, after: $after) { kind cursor key version revision value hasValue skipped } }`

/** Reads `entryChanges` until it is closed; remembers all that was told. */
export class ChangesFollower {
  readonly told: EntryChange[] = []
  readonly #socket: RawSocket

  static async open(
    server: Server,
    variables: { prefix: string; after?: string | null },
    token: string = server.token,
  ): Promise<ChangesFollower> {
    const socket = await connectSocket(server, { token })
    return new ChangesFollower(socket, variables)
  }

  private constructor(socket: RawSocket, variables: Record<string, unknown>) {
    this.#socket = socket
    socket.subscribe('changes', changesQuery, variables)
    void this.#read().catch(() => undefined)
  }

  async #read(): Promise<void> {
    for await (const { entryChanges } of this.#socket.results('changes')) this.told.push(entryChanges as EntryChange)
  }

  /** Everything told so far in short, such as `SET a 1`. */
  get lines(): string[] {
    return this.told.map(({ kind, key, version }) => [kind, key, version].filter((part) => part !== null).join(' '))
  }

  /** Waits for an update that matches. */
  find(isIt: (change: EntryChange) => boolean): Promise<EntryChange> {
    return until(() => this.told.find(isIt))
  }

  close(): Promise<void> {
    return this.#socket.close()
  }
}
