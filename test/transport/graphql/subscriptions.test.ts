import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openDatabase } from '#platform/database/client.ts'
import { createTransact } from '#platform/database/transaction.ts'
import { endOfTime } from '#platform/journal/entry.ts'
import { dropPartitions } from '#platform/journal/partitions.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { configFile, firstCursor, submit, submitDistant, submitSpeaker } from '#test/support/streams.ts'
import { addToken } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'
import { connectSocket, type RawSocket } from '#test/support/websocket.ts'
import { floodIsOver, submitFlood } from './flood.ts'

let server: TestServer
let socket: RawSocket
beforeAll(async () => {
  // One slot: a task that a test submits waits for the one before.
  server = await startTestServer({ configFile, env: { WORKER_SLOTS: '1', CRITICAL_SLOTS: '0', LOG_LEVEL: 'silent' } })
  socket = await connectSocket(server)
})
afterAll(async () => {
  await socket.close()
  await server.close()
})

interface Update {
  readonly kind: string
  readonly cursor: string
  readonly at: string
  readonly taskId: string | null
  readonly status: string | null
  readonly attempt: number | null
  readonly progress: number | null
  readonly step: string | null
  readonly skipped: number | null
  readonly log: { readonly message: string } | null
  readonly part: { readonly name: string; readonly text: string; readonly complete: boolean } | null
  readonly task: { readonly id: string } | null
}
const fields =
  'kind cursor at taskId status attempt progress step skipped log { message } part { name text complete } task { id }'

interface Event {
  readonly cursor: string
  readonly type: string
  readonly subject: string
  readonly data: Record<string, unknown>
}

/** A stream that is open until the test ends it, or it ends itself. */
class Follower<Item> {
  static #count = 0
  readonly #id = `follower-${Follower.#count++}`
  readonly #socket: RawSocket
  readonly #field: string

  constructor(of: RawSocket, field: string, query: string, variables: Record<string, unknown>) {
    this.#socket = of
    this.#field = field
    of.subscribe(this.#id, query, variables)
  }

  /** The next item; undefined when the stream has completed; an error's code when that ends it. */
  async next(): Promise<Item | undefined> {
    const { type, payload } = await this.#socket.next(this.#id)
    if (type === 'complete') return undefined
    if (type !== 'next') throw new Error(payload[0].extensions.code)
    if (payload.errors) throw new Error(JSON.stringify(payload.errors))
    return payload.data[this.#field]
  }

  async rest(): Promise<Item[]> {
    const items: Item[] = []
    for (let item = await this.next(); item !== undefined; item = await this.next()) items.push(item)
    return items
  }

  /** The next item of which that is true. */
  async find(isIt: (item: Item) => boolean): Promise<Item> {
    for (let item = await this.next(); item !== undefined; item = await this.next()) if (isIt(item)) return item
    throw new Error('The stream has ended before.')
  }

  stop(): void {
    this.#socket.send({ id: this.#id, type: 'complete' })
  }
}

function followTask(id: string, after?: string, of = socket): Follower<Update> {
  const query = `subscription ($id: ID!, $after: String) { taskUpdates(id: $id, after: $after) { ${fields} } }`
  return new Follower(of, 'taskUpdates', query, { id, after })
}

function followFeed(where?: object, after?: string, of = socket): Follower<Update> {
  const query = `subscription ($where: TaskFilter, $after: String) { taskFeed(where: $where, after: $after) { ${fields} } }`
  return new Follower(of, 'taskFeed', query, { where, after })
}

function followEvents(filter: object = {}, of = socket): Follower<Event> {
  const query = `subscription ($types: [String!], $subject: String, $after: String) {
    events(types: $types, subject: $subject, after: $after) { cursor type subject data }
  }`
  return new Follower(of, 'events', query, { ...filter })
}

/** A cursor from now. */
async function here(): Promise<string> {
  return firstCursor(server, await submitDistant(server))
}

/** A task that waits for another one to end; its only update so far is its submission. */
async function waitingSpeaker(reader = server) {
  const blocker = await submitSpeaker(server)
  const speaker = await submitSpeaker(server)
  await firstCursor(reader, speaker.id)
  return { ...speaker, begin: blocker.release }
}

/** All that is not passing: progress may come at any time, or not at all. */
const lasting = (updates: readonly Update[]) => updates.filter(({ kind }) => kind !== 'PROGRESS')
const brief = ({ kind, status, step, log, part }: Update) =>
  [kind, kind === 'STATUS' || kind === 'STATE' ? status : (log?.message ?? part?.text ?? step)].join(' ')

const life = ['STATUS ACTIVE', 'STEP first', 'LOG one', 'PART hello', 'LOG two', 'STEP last', 'STATUS COMPLETED']

/** A task that has ended, and all of its updates since before it was submitted. */
async function endedTask(): Promise<{ id: string; before: string; updates: Update[] }> {
  const before = await here()
  const { id, release } = await submitSpeaker(server)
  release()
  return { id, before, updates: lasting(await followTask(id, before).rest()) }
}

describe('taskUpdates', () => {
  it('sends the current state, then every update, and completes when the task has ended', async () => {
    const { id, begin, release } = await waitingSpeaker()
    const follower = followTask(id)
    const state = await follower.next()
    expect(state).toMatchObject({ kind: 'STATE', status: 'PENDING', progress: 0, attempt: 0, taskId: id, step: null })
    begin()
    const told: Update[] = []
    const progress = await follower.find((update) => {
      told.push(update)
      return update.kind === 'PROGRESS'
    })
    expect(progress).toMatchObject({ progress: 25, attempt: 1, status: 'ACTIVE', taskId: id })
    // It names the step that was told last, if any was by then.
    const step = told.find(({ kind }) => kind === 'STEP')?.step ?? null
    expect(progress.step).toBe(step)
    release()
    told.push(...(await follower.rest()))
    expect(lasting(told).map(brief)).toEqual(life)
    expect(told.find(({ kind }) => kind === 'PART')?.part).toEqual({ name: 'note', text: 'hello', complete: true })
    for (const update of told) expect(update).toMatchObject({ taskId: id, task: { id }, skipped: null })
    const times = lasting(told).map(({ at }) => Date.parse(at))
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })

  it('sends the state of an ended task, and completes', async () => {
    const { id } = await endedTask()
    const told = await followTask(id).rest()
    expect(told).toMatchObject([{ kind: 'STATE', status: 'COMPLETED', progress: 100, attempt: 1 }])
  })

  it('goes on after any of its cursors with exactly what follows, and completes', async () => {
    const { id, before, updates } = await endedTask()
    expect(updates.map(brief)).toEqual(['STATUS PENDING', ...life])
    for (const [index, cursor] of [before, ...updates.map((update) => update.cursor)].entries())
      expect(await followTask(id, cursor).rest()).toEqual(updates.slice(index))
  })

  it('completes at once behind the end, whatever the cursor is of', async () => {
    const { id } = await endedTask()
    expect(await followTask(id, await here()).rest()).toEqual([])
    const { events } = await graphqlData<{ events: { edges: { cursor: string }[] } }>(
      server,
      'query ($subject: String) { events(subject: $subject, types: ["task.completed"]) { edges { cursor } } }',
      { subject: `task:${id}` },
    )
    expect(await followTask(id, events.edges[0]?.cursor).rest()).toEqual([])
  })

  it('goes on after its first cursor, that of the state', async () => {
    const { id, begin, release } = await waitingSpeaker()
    const first = followTask(id)
    const state = await first.next()
    first.stop()
    release()
    begin()
    const told = await followTask(id, state?.cursor).rest()
    expect(lasting(told).map(brief)).toEqual(life)
  })

  it('goes on through attempts that fail and are to be repeated', async () => {
    const before = await here()
    const retry = { maxAttempts: 2, backoff: 'FIXED', delayMs: 0 }
    const id = await submit(server, { type: 'probe', input: { steps: 1, failAtStep: 1 }, retry })
    const told = (await followTask(id, before).rest()).filter(({ kind }) => kind === 'STATUS')
    expect(told.filter(({ status }) => status === 'ACTIVE').map(({ attempt }) => attempt)).toEqual([1, 2])
    expect(told.at(-1)).toMatchObject({ status: 'FAILED', attempt: 2 })
  })

  it('goes on when an ended task is tried again', async () => {
    const before = await here()
    const id = await submit(server, { type: 'probe', input: { steps: 1, failAtStep: 1 } })
    const first = await followTask(id, before).rest()
    await graphqlData(server, 'mutation ($id: ID!) { retryTask(input: { id: $id }) { __typename } }', { id })
    const second = (await followTask(id, first.at(-1)?.cursor).rest()).filter(({ kind }) => kind === 'STATUS')
    expect(second.map(({ status }) => status)).toEqual(['PENDING', 'ACTIVE', 'FAILED'])
  })

  it('completes when the task is cancelled', async () => {
    const id = await submitDistant(server)
    const follower = followTask(id)
    expect(await follower.next()).toMatchObject({ kind: 'STATE', status: 'SCHEDULED' })
    await graphqlData(server, 'mutation ($id: ID!) { cancelTask(input: { id: $id }) { __typename } }', { id })
    expect((await follower.rest()).at(-1)).toMatchObject({ kind: 'STATUS', status: 'CANCELLED' })
  })

  it('tells the same to any number of followers', async () => {
    const { id, begin, release } = await waitingSpeaker()
    const followers = Array.from({ length: 20 }, () => followTask(id))
    for (const follower of followers) await follower.next()
    release()
    begin()
    const told = await Promise.all(followers.map(async (follower) => lasting(await follower.rest())))
    expect(told[0]?.map(brief)).toEqual(life)
    expect(new Set(told.map((one) => JSON.stringify(one))).size).toBe(1)
  })
})

describe('taskFeed', () => {
  it('sends updates of every task, from now on', async () => {
    const feed = followFeed()
    // It has started once it sends what has happened since.
    await until(async () => {
      await submitDistant(server, { labels: { for: 'begin' } })
      return socket.waiting > 0
    })
    const one = await submitDistant(server)
    const { id, release } = await submitSpeaker(server)
    release()
    const told: Update[] = []
    await feed.find((update) => {
      told.push(update)
      return update.status === 'COMPLETED'
    })
    feed.stop()
    expect(
      lasting(told)
        .filter(({ taskId }) => taskId === id)
        .map(brief),
    ).toEqual(['STATUS PENDING', ...life])
    expect(told.filter(({ taskId }) => taskId === one).map(brief)).toEqual(['STATUS SCHEDULED'])
    expect(told.map(({ kind }) => kind)).not.toContain('STATE')
  })

  const filters: Record<string, { where: object; matching: object; other: object }> = {
    'of a type': { where: { type: ['probe', 'none'] }, matching: {}, other: { type: 'floods', input: { lines: 1 } } },
    'of a priority': { where: { priority: ['BATCH'] }, matching: { priority: 'BATCH' }, other: { priority: 'NORMAL' } },
    'of a status': { where: { status: ['SCHEDULED'] }, matching: {}, other: { runAt: null } },
    'with a label': {
      where: { labels: { team: 'blue' } },
      matching: { labels: { team: 'blue', more: 'x' } },
      other: { labels: { team: 'red' } },
    },
    'with all labels': {
      where: { labels: { team: 'blue', env: 'prod' } },
      matching: { labels: { team: 'blue', env: 'prod' } },
      other: { labels: { team: 'blue' } },
    },
  }
  it.each(Object.entries(filters))('tells only of tasks %s', async (_, { where, matching, other }) => {
    const after = await here()
    const ids: string[] = []
    for (const more of [other, matching, other, matching]) ids.push(await submitDistant(server, { ...more }))
    const feed = followFeed(where, after)
    const told = [await feed.next(), await feed.next()]
    feed.stop()
    expect(told.map((update) => update?.taskId)).toEqual([ids[1], ids[3]])
  })

  it('goes on after a cursor of any stream: everything once, in order', async () => {
    const { id, before, updates } = await endedTask()
    for (const [index, cursor] of [before, ...updates.map((update) => update.cursor)].entries()) {
      const later = await submitDistant(server)
      const feed = followFeed({}, cursor)
      const told: Update[] = []
      await feed.find((update) => {
        told.push(update)
        return update.taskId === later
      })
      feed.stop()
      expect(told.filter(({ taskId }) => taskId === id)).toEqual(updates.slice(index))
    }
  })
})

describe('events', () => {
  const typesOf = (events: readonly (Event | undefined)[]) => events.map((event) => event?.type)

  it('sends what happened after a cursor, without log lines unless they are requested', async () => {
    const { id, before } = await endedTask()
    const subject = `task:${id}`
    const life = ['task.submitted', 'task.started', 'task.step', 'task.part', 'task.step', 'task.completed']
    const withLogs = [
      'task.submitted',
      'task.started',
      'task.step',
      'task.log',
      'task.part',
      'task.log',
      'task.step',
      'task.completed',
    ]
    const cases: [string[] | undefined, string[]][] = [
      [undefined, life],
      [['task.*'], withLogs],
      [['task.log'], ['task.log', 'task.log']],
      [
        ['task.completed', 'task.submitted'],
        ['task.submitted', 'task.completed'],
      ],
      [['task.log', 'task.*'], withLogs],
    ]
    for (const [types, expected] of cases) {
      const follower = followEvents({ types, subject, after: before })
      const told: (Event | undefined)[] = []
      while (told.length < expected.length) told.push(await follower.next())
      follower.stop()
      expect(typesOf(told)).toEqual(expected)
      expect(new Set(told.map((event) => event?.subject))).toEqual(new Set([subject]))
    }
  })

  it('has nothing of families that only look alike', async () => {
    const before = await here()
    const id = await submitDistant(server)
    // Nothing comes on it that an earlier test has left unread.
    const own = await connectSocket(server)
    onTestFinished(() => own.close())
    const other = followEvents({ types: ['tas.*', 'task_.*', 'document.*', 'task'], after: before }, own)
    expect(await other.next()).toMatchObject({ type: 'stream.warning' })
    const all = followEvents({ types: ['task.*'], subject: `task:${id}`, after: before }, own)
    expect(await all.next()).toMatchObject({ subject: `task:${id}` })
    all.stop()
    // Both streams are served in the order of what happens, so nothing has come if nothing comes before the pong.
    own.send({ type: 'ping' })
    expect(await own.next()).toMatchObject({ type: 'pong' })
    other.stop()
  })

  it('tells in the order, and with the cursors, of the list of events', async () => {
    const { before } = await endedTask()
    const { events } = await graphqlData<{ events: { edges: { cursor: string; node: Event }[] } }>(
      server,
      'query ($after: String) { events(after: $after, types: ["task.*"], first: 200) { edges { cursor node { cursor type subject data } } } }',
      { after: before },
    )
    const follower = followEvents({ types: ['task.*'], after: before })
    for (const { cursor, node } of events.edges) {
      expect(await follower.next()).toEqual(node)
      expect(node.cursor).toBe(cursor)
    }
    follower.stop()
    expect(events.edges).toHaveLength(8)
  })

  it.each([[['?']], [['Task.done']], [['*']], [['task.']], [Array<string>(51).fill('task.log')]])(
    'refuses types that are none: %s',
    async (types) => {
      await expect(followEvents({ types }).next()).rejects.toThrow('INVALID_INPUT')
    },
  )
})

describe('a follower that is too slow', () => {
  const copies = (field: string) => Array.from({ length: 12 }, (_, index) => `copy${index}: ${field}`).join(' ')

  it('receives the gap in the terms of its own stream, and can fill it', async () => {
    const after = await here()
    const slow = await connectSocket(server)
    const feed = `subscription ($after: String) { taskFeed(after: $after) { ${fields} log { ${copies('message')} } } }`
    const events = `subscription ($after: String) { events(types: ["task.log"], after: $after) { cursor type subject data ${copies('data')} } }`
    const inFeed = new Follower<Update>(slow, 'taskFeed', feed, { after })
    const inEvents = new Follower<Event>(slow, 'events', events, { after })
    slow.socket.pause()
    await floodIsOver(server, await submitFlood(server))
    slow.socket.resume()

    const lagged = await inFeed.find(({ kind }) => kind === 'LAGGED')
    expect(lagged).toMatchObject({ taskId: null, task: null, skipped: expect.any(Number) })
    expect(lagged.skipped).toBeGreaterThan(0)
    const gap = await inEvents.find(({ type }) => type === 'stream.lagged')
    expect(gap).toMatchObject({ subject: 'stream', data: { skipped: expect.any(Number) } })

    // Behind the gap's cursor stands the first line that was dropped, and the stream itself goes on after the last.
    const lineOf = (event: Event | undefined) => {
      const log = event?.data['log'] as { message: string } | undefined
      return Number(log?.message.split(' ')[0])
    }
    const refill = followEvents({ types: ['task.log'], after: gap.cursor })
    const firstDropped = lineOf(await refill.next())
    refill.stop()
    expect(firstDropped).toBeGreaterThan(1)
    let skipped = Number(gap.data['skipped'])
    const next = await inEvents.find(({ type, data }) => {
      if (type === 'stream.lagged') skipped += Number(data['skipped'])
      return type === 'task.log'
    })
    expect(lineOf(next) - firstDropped).toBe(skipped)
    await slow.close()
  }, 60_000)
})

describe('a cursor', () => {
  it('of another account is refused by every stream', async () => {
    const { token } = await addToken(server)
    const other = await connectSocket(server, { token })
    const id = await submitDistant({ ...server, token })
    const foreign = await here()
    for (const follower of [
      followTask(id, foreign, other),
      followFeed({}, foreign, other),
      followEvents({ after: foreign }, other),
    ])
      await expect(follower.next()).rejects.toThrow('INVALID_CURSOR')
    await other.close()
  })

  it.each(['x', '????', 'x'.repeat(1_000), ''])(
    'that is none of ours is refused by every stream: "%s"',
    async (after) => {
      const id = await submitDistant(server)
      for (const follower of [followTask(id, after), followFeed({}, after), followEvents({ after })])
        await expect(follower.next()).rejects.toThrow('INVALID_CURSOR')
    },
  )

  it('of a list of tasks is refused by every stream', async () => {
    const id = await submitDistant(server)
    const { tasks } = await graphqlData<{ tasks: { edges: { cursor: string }[] } }>(
      server,
      '{ tasks(first: 1) { edges { cursor } } }',
    )
    const after = tasks.edges[0]?.cursor
    for (const follower of [followTask(id, after), followFeed({}, after), followEvents({ after })])
      await expect(follower.next()).rejects.toThrow('INVALID_CURSOR')
  })

  it('from before what the journal still has is refused by every stream and list', async () => {
    const id = await submitDistant(server)
    const before = await here()
    const [account] = await server.database.query<{ id: string }>("SELECT id FROM account WHERE name = 'main'")
    await server.database.query(
      "CREATE TABLE journal_days.d20250101 PARTITION OF journal FOR VALUES FROM ('2025-01-01 00:00:00+00') TO ('2025-01-02 00:00:00+00')",
    )
    await server.database.query(
      "INSERT INTO journal (at, account_id, type, subject, actor, data) VALUES ('2025-01-01 12:00:00+00', $1, 'task.started', $2, '{}', '{}')",
      [account?.id, `task:${id}`],
    )
    const database = openDatabase({ url: server.database.url, poolSize: 2, onError: () => {} })
    expect(await dropPartitions(createTransact(database.pool, () => {}).quiet('a test'), 7, endOfTime)).toEqual([
      'd20250101',
    ])
    await database.close()

    for (const follower of [followTask(id, before), followFeed({}, before), followEvents({ after: before })])
      await expect(follower.next()).rejects.toThrow('CURSOR_EXPIRED')
    const { errors } = await graphql(server, 'query ($after: String) { events(after: $after) { nodes { type } } }', {
      after: before,
    })
    expect(errors).toMatchObject([{ extensions: { code: 'CURSOR_EXPIRED' } }])

    const after = await here()
    const later = await submitDistant(server)
    expect(await followEvents({ after }).next()).toMatchObject({ subject: `task:${later}` })
  })
})

describe('another account', () => {
  it('receives nothing about our tasks, whether it asks by id, for all, or for their events', async () => {
    const { token } = await addToken(server)
    const other = await connectSocket(server, { token })
    const theirs = { ...server, token }
    const first = followTask(await submitDistant(theirs), undefined, other)
    const after = (await first.next())?.cursor
    const ours = await submitDistant(server)
    await expect(followTask(ours, undefined, other).next()).rejects.toThrow('NOT_FOUND')
    const own = await submitDistant(theirs)
    // Ours came before theirs, so it would come first.
    expect(await followFeed({}, after, other).next()).toMatchObject({ taskId: own })
    expect(await followEvents({ after }, other).next()).toMatchObject({ subject: `task:${own}` })
    const bySubject = followEvents({ subject: `task:${ours}`, after }, other)
    const all = followEvents({ types: ['task.cancelled'] }, other)
    await graphqlData(server, 'mutation ($id: ID!) { cancelTask(input: { id: $id }) { __typename } }', { id: ours })
    await graphqlData(theirs, 'mutation ($id: ID!) { cancelTask(input: { id: $id }) { __typename } }', { id: own })
    expect(await all.next()).toMatchObject({ type: 'task.cancelled', subject: `task:${own}` })
    bySubject.stop()
    await other.close()
  })
})

describe('a token without the scope', () => {
  it('gets no stream', async () => {
    const [account] = await server.database.query<{ id: string }>("SELECT id FROM account WHERE name = 'main'")
    const accountId = account?.id ?? ''
    const id = await submitDistant(server)
    const reader = await connectSocket(server, await addToken(server, { accountId, scopes: ['events:read'] }))
    await expect(followTask(id, undefined, reader).next()).rejects.toThrow('FORBIDDEN')
    await expect(followFeed({}, undefined, reader).next()).rejects.toThrow('FORBIDDEN')
    const writer = await connectSocket(server, await addToken(server, { accountId, scopes: ['tasks:read'] }))
    await expect(followEvents({}, writer).next()).rejects.toThrow('FORBIDDEN')
    await Promise.all([reader.close(), writer.close()])
  })
})

describe('another process', () => {
  it('tells the same, progress included', async () => {
    const other = await startTestServer({
      configFile,
      database: server.database,
      env: { ROLES: 'api', LOG_LEVEL: 'silent' },
    })
    const there = await connectSocket(other)
    const { id, begin, release } = await waitingSpeaker(other)
    const follower = followTask(id, undefined, there)
    expect(await follower.next()).toMatchObject({ kind: 'STATE', status: 'PENDING' })
    begin()
    const told: Update[] = []
    await follower.find((update) => {
      told.push(update)
      return update.kind === 'PROGRESS'
    })
    release()
    told.push(...(await follower.rest()))
    expect(lasting(told).map(brief)).toEqual(life)
    await there.close()
    await other.close()
  })
})
