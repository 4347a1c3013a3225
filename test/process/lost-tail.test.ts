import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { holdWriterLockSql } from '#platform/journal/horizon.ts'
import { entriesOf } from '#test/support/entries.ts'
import type { Forwarder } from '#test/support/failover/forwarder.ts'
import { createServerPair, type ServerPair } from '#test/support/failover/server-pair.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { subscribers } from '#test/support/metrics.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { cloneTemplate, createTemplate } from '#test/support/template.ts'
import { until } from '#test/support/until.ts'
import { connectSocket, type Frame, type RawSocket } from '#test/support/websocket.ts'

let pair: ServerPair
let address: Forwarder
let directory: string
let database: string
let server: ServerProcess
const started: ServerProcess[] = []
const sockets: RawSocket[] = []
let count = 0
beforeAll(async () => {
  pair = await createServerPair()
  address = await pair.openAddress()
  await createTemplate(pair.urlAt(address))
})
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-lost-tail-'))
  count += 1
  database = `tail${count}`
  await cloneTemplate(pair.urlAt(address), database)
  server = await startServerProcess({
    dataDir: join(directory, 'data'),
    databaseUrl: pair.urlAt(address, database),
    env: { SIGNALBOX_CONFIG: join(import.meta.dirname, '../fixtures/process/signalbox.config.ts') },
  })
  started.push(server)
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.socket.terminate()
  for (const one of started.splice(0)) await one.end('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})
afterAll(() => pair.remove())

const trigger = `mutation ($type: String!, $data: JSON!) {
  triggerEvent(input: { type: $type, data: $data }) { __typename ... on Failure { code message } }
}`

/** Triggers events of a type, numbered from `first`; repeats what a server that loses its database answers. */
async function triggerEvents(type: string, first: number, last: number): Promise<void> {
  for (let number = first; number <= last; number += 1)
    await until(async () => (await graphql(server, trigger, { type, data: { number } })).errors === undefined)
}

interface EventNode {
  readonly cursor: string
  readonly data: { readonly number: number }
}

const eventsQuery = `query ($types: [String!], $after: String) {
  events(types: $types, after: $after, first: 200) { nodes { cursor data } }
}`

async function readEvents(type: string, after?: string): Promise<EventNode[]> {
  const { events } = await graphqlData<{ events: { nodes: EventNode[] } }>(server, eventsQuery, {
    types: [type],
    after,
  })
  return events.nodes
}

async function lastCursor(type: string, number: number): Promise<string> {
  return until(async () => (await readEvents(type)).find(({ data }) => data.number === number)?.cursor)
}

/** A subscription to events of a type; `numbers` are those that it was given, `end` is what it ended with. */
class EventStream {
  readonly numbers: number[] = []
  end: Frame | undefined

  static async open(types: string | readonly string[], after?: string): Promise<EventStream> {
    const socket = await connectSocket(server)
    sockets.push(socket)
    const before = await subscribers(server)
    socket.subscribe(
      'events',
      'subscription ($types: [String!], $after: String) { events(types: $types, after: $after) { data } }',
      { types: [types].flat(), after },
    )
    const stream = new EventStream()
    void stream.#read(socket)
    await until(async () => stream.end !== undefined || (await subscribers(server)) > before)
    return stream
  }

  async #read(socket: RawSocket): Promise<void> {
    for (;;) {
      const frame = await socket.next('events').catch(() => undefined)
      if (frame === undefined) return
      if (frame.type === 'next' && frame.payload.errors === undefined) {
        this.numbers.push(frame.payload.data.events.data.number)
        continue
      }
      this.end = frame
      return
    }
  }
}

/** Submits a task that waits for a file in the test's directory, and waits for its end. */
function submitAndWait(gate: string): Promise<Response> {
  return fetch(`${server.url}/api/tasks`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json', prefer: 'wait=30' },
    body: JSON.stringify({
      type: 'test.noted',
      data: { gate: join(directory, gate), book: join(directory, 'book') },
    }),
  })
}

/** A transaction like those of a server, which is committed when the test says so. */
async function openWriter() {
  const client = new pg.Client({ connectionString: pair.urlAt(address, database) })
  client.on('error', () => {})
  await client.connect()
  await client.query(`${holdWriterLockSql}; BEGIN`)
  return {
    append: (type: string, number: number) =>
      client.query(
        `INSERT INTO journal (account_id, type, subject, actor, data)
         SELECT id, $1, 'test:writer', '{"kind": "system", "id": "test", "name": "test"}', jsonb_build_object('number', $2::int)
         FROM account`,
        [type, number],
      ),
    async commit() {
      await client.query('COMMIT')
      await client.end()
    },
  }
}

function numbers(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

/** The standby becomes the primary without what was committed since replication was cut. */
async function failOver(): Promise<void> {
  await pair.killPrimary()
  address.switchTo(undefined)
  address.endConnections()
  await pair.promote()
  address.switchTo(pair.primary.port)
}

describe('a failover that loses the end of the journal', () => {
  afterEach(async () => {
    await pair.rejoin()
  })

  it('is reported to those who have read it, and nobody misses what follows', async () => {
    await triggerEvents('kept.happened', 1, 3)
    const kept = await lastCursor('kept.happened', 3)
    const affected = await EventStream.open('lost.happened')
    const unaffected = await EventStream.open('kept.happened')
    await triggerEvents('kept.happened', 4, 4)
    await pair.catchUp()
    pair.cutReplication()
    await triggerEvents('lost.happened', 1, 40)
    const lost = await lastCursor('lost.happened', 40)
    await until(() => affected.numbers.length === 40 && unaffected.numbers.length === 1)
    await failOver()

    await triggerEvents('kept.happened', 5, 12)
    // New subscriptions and pages that resume after a cursor.
    const resumed = await EventStream.open('kept.happened', kept)
    await until(() => resumed.numbers.length === 9)
    expect(resumed.numbers).toEqual(numbers(4, 12))
    expect((await readEvents('kept.happened', kept)).map(({ data }) => data.number)).toEqual(numbers(4, 12))
    // A stream that was open all the while, and has seen nothing that is lost.
    await until(() => unaffected.numbers.length === 9)
    expect(unaffected.numbers).toEqual(numbers(4, 12))
    expect(unaffected.end).toBeUndefined()
    // Those who have seen what is lost.
    await until(() => affected.end)
    expect(affected.end).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'CURSOR_EXPIRED' } }] })
    const page = await graphql(server, eventsQuery, { after: lost })
    expect(page.errors).toMatchObject([{ extensions: { code: 'CURSOR_EXPIRED' } }])
    const again = await EventStream.open('lost.happened', lost)
    await until(() => again.end)
    expect(again.end).toMatchObject({ payload: [{ extensions: { code: 'CURSOR_EXPIRED' } }] })
  }, 90_000)

  it('expires cursors behind a lost entry whose transaction id is lower than that of one that is left', async () => {
    const early = await openWriter()
    await early.append('lost.happened', 1)
    await triggerEvents('kept.happened', 1, 1)
    const stream = await EventStream.open(['kept.happened', 'lost.happened'])
    await pair.catchUp()
    pair.cutReplication()
    await early.commit()
    await until(() => stream.numbers.length === 2)
    const kept = await lastCursor('kept.happened', 1)
    await failOver()

    await triggerEvents('kept.happened', 2, 2)
    await until(() => stream.end)
    expect(stream.end).toMatchObject({ payload: [{ extensions: { code: 'CURSOR_EXPIRED' } }] })
    expect((await graphql(server, eventsQuery, { after: kept })).errors).toMatchObject([
      { extensions: { code: 'CURSOR_EXPIRED' } },
    ])
    expect((await readEvents('kept.happened')).map(({ data }) => data.number)).toEqual([1, 2])
  }, 90_000)

  it('gives no fence again that was given in it', async () => {
    const locks = entriesOf(server)
    const before = await locks.acquire('kept')
    await pair.catchUp()
    pair.cutReplication()
    const lost = await locks.acquire('lost')
    await failOver()
    const again = await until(() => locks.acquire('lost').catch(() => undefined))
    expect(lost.lock?.fence).toBe(Number(before.lock?.fence) + 1)
    expect(again.lock?.fence).toBeGreaterThan(Number(lost.lock?.fence))
    expect((await locks.renew('lost', Number(lost.lock?.fence), 60_000)).code).toBe('FENCE_LOST')
    expect((await locks.renew('kept', Number(before.lock?.fence), 60_000)).lock).toBeDefined()
  }, 90_000)

  it('answers UNAVAILABLE to a client that waits for a task that is lost', async () => {
    await pair.catchUp()
    pair.cutReplication()
    const waiting = submitAndWait('never')
    await until(async () => (await readEvents('task.started')).length > 0)
    await failOver()
    const answer = await waiting
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({ code: 'UNAVAILABLE' })
  }, 90_000)

  it('answers a client that waits for a task that is left', async () => {
    await pair.catchUp()
    const waiting = submitAndWait('open')
    await until(async () => (await readEvents('task.started')).length > 0)
    await pair.catchUp()
    pair.cutReplication()
    await triggerEvents('lost.happened', 1, 1)
    await failOver()
    writeFileSync(join(directory, 'open'), '')
    const answer = await waiting
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ status: 'completed' })
  }, 90_000)

  it('leaves a process that answers, cancels and ends revoked streams at once', async () => {
    await pair.catchUp()
    pair.cutReplication()
    await triggerEvents('lost.happened', 1, 40)
    await failOver()
    // Only the new history has these.
    const created = await until(
      async () =>
        (
          await graphql<{ createApplicationToken: { token: string; applicationToken: { id: string } } }>(
            server,
            `mutation { createApplicationToken(input: { name: "kept", scopes: ["events:read"] }) {
              ... on CreateApplicationTokenPayload { token applicationToken { id } } } }`,
          )
        ).data?.createApplicationToken,
    )
    const socket = await connectSocket(server, { token: created.token })
    sockets.push(socket)
    await graphqlData(server, `mutation ($id: String!) { revokeApplicationToken(input: { id: $id }) { __typename } }`, {
      id: created.applicationToken.id,
    })
    expect(await socket.closed).toMatchObject({ code: expect.any(Number) })

    const answer = await submitAndWait('')
    // The outcome is there because the wait was not in vain.
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ status: 'completed' })
  }, 90_000)
})

describe('a planned switchover', () => {
  it('leaves every cursor and every stream as it was', async () => {
    const stream = await EventStream.open('planned.happened')
    await triggerEvents('planned.happened', 1, 5)
    const cursor = await lastCursor('planned.happened', 5)
    const idle = await EventStream.open('idle.happened')
    await pair.switchOver(() => address.switchTo(pair.standby?.port))
    await triggerEvents('planned.happened', 6, 12)
    await until(() => stream.numbers.length === 12)
    expect(stream.numbers).toEqual(numbers(1, 12))
    expect((await readEvents('planned.happened', cursor)).map(({ data }) => data.number)).toEqual(numbers(6, 12))
    await triggerEvents('idle.happened', 1, 1)
    await until(() => idle.numbers.length === 1)
    expect(idle.end).toBeUndefined()
  }, 90_000)
})
