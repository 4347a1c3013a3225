import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { graphqlData } from '#test/support/graphql.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { createRandom, type Random } from '#test/support/random.ts'
import type { TestDatabase, TestServer } from '#test/support/server.ts'
import { makeThings, type Things } from '#test/support/things.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { Attack } from './attack.ts'
import type { CallerName, Case } from './case.ts'
import { envelopeCase, envelopeFieldCases, literalCase, variableCase } from './graphql-cases.ts'
import { graphqlPlaces } from './graphql-places.ts'
import {
  type Foreign,
  hostileBodies,
  hostileHeaders,
  hostileJson,
  hostileLiterals,
  hostileSegments,
} from './hostile-values.ts'
import { type HostileRest, hostileFor, type OpenApi, restCase, restPlaces } from './rest-cases.ts'

export interface HostileOptions {
  readonly database: TestDatabase
  readonly seed: number
  /** How many values each place gets; undefined: all of them. */
  readonly perPlace: number | undefined
  readonly report: (line: string) => void
}

/** How much more memory the server may hold afterwards, in bytes: what its caches may, and what is not collected yet. */
const maxGrowth = 400 * 1024 * 1024
/** What has been allocated is collected in the meantime, in milliseconds. */
const restMs = 3_000

/** Nothing is refused for being too much, so that every value gets where it is looked at. */
const env = {
  LOG_LEVEL: 'warn',
  RATE_LIMIT_ADDRESS: '0',
  RATE_LIMIT_TOKEN: '0',
  COST_LIMIT_ADDRESS: '0',
  COST_LIMIT_TOKEN: '0',
  COST_LIMIT_USER: '0',
  RATE_LIMIT_USER: '0',
  QUERY_COST_LIMIT: '1000000000',
  QUERY_ALIAS_LIMIT: '1000',
  QUERY_REPEAT_LIMIT: '1000',
}

const narrowScopes = [
  ...['tasks:read:type=probe', 'tasks:write:type=probe', 'documents:read:safe/**', 'documents:write:safe/**'],
  ...['entries:read:safe/**', 'entries:write:safe/**', 'events:write'],
]

/** Sends a request for each place of the API and each hostile value; returns what went wrong. */
export async function runHostile(options: HostileOptions): Promise<string[]> {
  const { database, report } = options
  const dataDir = await mkdtemp(join(tmpdir(), 'signalbox-hostile-'))
  const server = await startServerProcess({ dataDir, databaseUrl: database.url, env })
  try {
    const at = { ...server, database } as unknown as TestServer
    const accountId = await ownAccount(at)
    const tokens = {
      all: server.token,
      narrow: (await addToken(at, { accountId, scopes: narrowScopes })).token,
      anonymous: undefined,
    }
    const attack = new Attack(server, tokens)
    const cases = generateCases(at, options)
    await attack.send(cases)
    const problems = attack.faults.map(({ name, what }) => `${name}\n    ${what}`)
    if (attack.isAlive) problems.push(...(await memoryProblems(attack, report)))
    problems.push(...complaints(server))
    for (const [answer, count] of [...attack.answers].sort((a, b) => b[1] - a[1])) report(`${count} × ${answer}`)
    report(`${attack.sent} requests, ${problems.length} problems`)
    return problems
  } finally {
    await server.end('SIGKILL')
    await rm(dataDir, { recursive: true, force: true })
  }
}

async function memoryProblems(attack: Attack, report: (line: string) => void): Promise<string[]> {
  await sleep(restMs)
  const after = attack.memory()
  const growth = after - (attack.warmMemory ?? after)
  report(`the server's memory has grown by ${Math.round(growth / 1024 / 1024)} MiB`)
  return growth > maxGrowth ? [`the server's memory has grown by ${growth} bytes`] : []
}

/** What the server's log has of failures that no answer shows. */
function complaints(server: ServerProcess): string[] {
  const lines = server.output().split('\n')
  return lines
    .filter((line) => /"level":"(error|fatal)"|trying again/.test(line))
    .map((line) => `log: ${line.slice(0, 700)}`)
}

/** After these the things that they are about are gone, or can't be used as before. */
const isDestructive = (name: string) =>
  /^DELETE |\.(delete|remove|revoke|rotate|end|signOut|release|forceRelease|cancel|finish|setPassword)/.test(name)

async function* generateCases(at: TestServer, { seed, perPlace }: HostileOptions): AsyncGenerator<Case> {
  const random = createRandom(seed)
  const foreign = await foreignValues(at)
  const scenes = new Scenes(at)
  yield* graphqlCases(scenes, foreign, random, perPlace)
  yield* await restCases(at, scenes, foreign, random, perPlace)
}

/** Things for the cases, made again where cases destroy them. */
class Scenes {
  readonly #at: TestServer
  #things: Things | undefined
  #name = ''
  #count = 0

  constructor(at: TestServer) {
    this.#at = at
  }

  async thingsFor(name: string): Promise<Things> {
    const key = isDestructive(name) ? name.split(/[( ]/, 2).join(' ') : ''
    if (this.#things !== undefined && key === this.#name) return this.#things
    this.#name = key
    this.#count += 1
    await this.#at.database.query('DELETE FROM rate_limit')
    this.#things = await makeThings(this.#at, 'MEMBER', `hostile-${this.#count}`)
    return this.#things
  }
}

/** Ids and cursors of another account, and cursors of lists that are not asked for. */
async function foreignValues(at: TestServer): Promise<Foreign> {
  const { token } = await addToken(at)
  const other = { url: at.url, token, database: at.database } as TestServer
  const things = await makeThings(other, 'OWNER', `foreign-${randomUUID()}`)
  const lists = ['tasks', 'events', 'documents', 'entries', 'webhooks', 'auditEntries', 'users']
  const query = `{ ${lists.map((name) => `${name}(first: 1) { edges { cursor } }`).join(' ')} }`
  const found = await graphqlData<Record<string, { edges: { cursor: string }[] }>>(other, query)
  const cursors = Object.values(found).flatMap(({ edges }) => edges.map(({ cursor }) => cursor))
  const { taskId, tokenId, sessionId, webhookId, email, teamSlug } = things
  return { ids: [taskId, tokenId, sessionId, webhookId, email, teamSlug, token], cursors }
}

/** Some of the items, others for each place; all of them without a number. */
function some<Item>(items: readonly Item[], random: Random, count: number | undefined): readonly Item[] {
  return count === undefined ? items : Array.from({ length: count }, () => random.pick(items))
}

/** Who sends a place's cases: nearly always somebody with all rights, whose values get furthest. */
function callerOf(index: number, random: Random): CallerName {
  if (index % 8 !== 7) return 'all'
  return random.pick(['narrow', 'anonymous'] as const)
}

async function* graphqlCases(
  scenes: Scenes,
  foreign: Foreign,
  random: Random,
  perPlace: number | undefined,
): AsyncGenerator<Case> {
  const values = hostileJson(foreign)
  const literals = hostileLiterals(foreign)
  let index = 0
  for (const place of graphqlPlaces()) {
    const things = await scenes.thingsFor(place.name)
    const literalCount = perPlace === undefined ? undefined : index % 2
    for (const value of some(values, random, perPlace)) {
      index += 1
      yield variableCase(place, things, value, callerOf(index, random))
    }
    for (const value of some(literals, random, literalCount)) {
      index += 1
      yield literalCase(place, things, value, callerOf(index, random))
    }
  }
  for (const caller of ['all', 'anonymous'] as const) {
    for (const body of hostileBodies) yield envelopeCase(body, caller)
    for (const value of some(values, random, perPlace === undefined ? undefined : 20))
      yield* envelopeFieldCases(value, caller)
  }
}

async function restCases(
  at: TestServer,
  scenes: Scenes,
  foreign: Foreign,
  random: Random,
  perPlace: number | undefined,
): Promise<AsyncGenerator<Case>> {
  const response = await fetch(`${at.url}/api/openapi.json`, { headers: { authorization: `Bearer ${at.token}` } })
  const document = (await response.json()) as OpenApi
  const hostile: HostileRest = {
    json: hostileJson(foreign),
    segments: hostileSegments(foreign),
    headers: hostileHeaders(foreign),
    bodies: hostileBodies,
  }
  return generateRest(restPlaces(document), hostile, scenes, random, perPlace)
}

async function* generateRest(
  places: ReturnType<typeof restPlaces>,
  hostile: HostileRest,
  scenes: Scenes,
  random: Random,
  perPlace: number | undefined,
): AsyncGenerator<Case> {
  let index = 0
  for (const place of places) {
    const things = await scenes.thingsFor(place.name)
    // Of the many headers that rows have in common, few cases are enough.
    const count = perPlace !== undefined && place.piece === 'header' ? index % 2 : perPlace
    for (const value of some(hostileFor(place, hostile), random, count)) {
      index += 1
      yield restCase(place, things, value, callerOf(index, random))
    }
    index += 1
  }
}
