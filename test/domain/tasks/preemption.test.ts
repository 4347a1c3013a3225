import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { submitTask } from '#test/support/follower.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

const configFile = fileURLToPath(new URL('../../fixtures/preemption/signalbox.config.ts', import.meta.url))

let directory: string
let server: TestServer
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-preemption-'))
  server = await startTestServer({
    configFile,
    env: { WORKER_SLOTS: '2', CRITICAL_SLOTS: '0', WARM_TASK_PROCESSES: '2', LOG_LEVEL: 'silent' },
  })
})
afterAll(async () => {
  await server.close()
  rmSync(directory, { recursive: true })
})

interface Task {
  readonly status: string
  readonly attempt: number
  readonly result: unknown
  readonly checkpoint: unknown
  readonly error: { readonly code: string; readonly message: string } | null
  readonly attempts: readonly { readonly number: number; readonly status: string; readonly checkpoint: unknown }[]
  readonly logs: { readonly edges: readonly { readonly node: { readonly message: string } }[] }
}

const query = /* GraphQL */ `
  query ($id: ID!) {
    task(id: $id) {
      status attempt result checkpoint error { code message } attempts { number status checkpoint }
      logs { edges { node { message } } }
    }
  }`

function reach(id: string, isReached: (task: Task) => boolean): Promise<Task> {
  return until(async () => {
    const { task } = await graphqlData<{ task: Task }>(server, query, { id })
    return isReached(task) && task
  })
}

const isEnded = ({ status }: Task) => status === 'COMPLETED' || status === 'FAILED'

/** Submits a task that runs until its gate opens, and waits until it runs. */
async function startGated(type: string, priority?: string) {
  const gate = join(directory, randomUUID())
  const id = await submitTask(server, { type, input: { gate }, ...(priority && { priority }) })
  await reach(id, ({ status, logs }) => status === 'ACTIVE' && logs.edges.length > 0)
  return { id, open: () => writeFileSync(gate, '') }
}

const preempted = ({ attempts }: Task) => attempts.some(({ status }) => status === 'PREEMPTED')

describe('a critical task that finds every slot taken', () => {
  it.each(['count.apart', 'count.within'])(
    'gets the slot of the latest preemptible batch attempt: %s',
    async (type) => {
      const first = await startGated(type)
      const second = await startGated(type)
      const critical = await submitTask(server, { type: 'probe', priority: 'CRITICAL' })
      expect((await reach(critical, isEnded)).status).toBe('COMPLETED')
      const task = await reach(second.id, (found) => preempted(found) && found.status === 'ACTIVE')
      expect(task.attempts.map(({ number, status }) => [number, status])).toEqual([
        [1, 'PREEMPTED'],
        [2, 'ACTIVE'],
      ])
      const { count } = task.checkpoint as { count: number }
      expect(task.attempts.map(({ checkpoint }) => checkpoint)).toEqual([{ count }, null])
      second.open()
      // It had one attempt only, and the one that was stopped does not count.
      expect(await reach(second.id, isEnded)).toMatchObject({
        status: 'COMPLETED',
        attempt: 2,
        result: { from: count },
      })
      first.open()
      expect(await reach(first.id, isEnded)).toMatchObject({ status: 'COMPLETED', attempt: 1, result: { from: 0 } })
      const events = await server.database.query(
        `SELECT type FROM journal WHERE subject = $1 AND type <> 'task.log' ORDER BY xid, seq`,
        [`task:${second.id}`],
      )
      expect(events.map((event) => event['type'])).toEqual([
        'task.submitted',
        'task.started',
        'task.preempted',
        'task.started',
        'task.completed',
      ])
    },
  )

  it('waits for others to end: those of other types, of other priorities, and those that make room for another', async () => {
    const always = await startGated('count.always')
    const batch = await startGated('count.within')
    const gates = [join(directory, randomUUID()), join(directory, randomUUID())]
    const submitCritical = (gate = '') =>
      submitTask(server, { type: 'count.within', priority: 'CRITICAL', input: { gate } })
    const ids = [await submitCritical(gates[0]), await submitCritical(gates[1])]
    const [first = '', second = ''] = ids
    await reach(first, ({ status }) => status === 'ACTIVE')
    expect(await reach(second, () => true)).toMatchObject({ status: 'PENDING', attempts: [] })
    writeFileSync(gates[0] ?? '', '')
    await reach(second, ({ status }) => status === 'ACTIVE')
    writeFileSync(gates[1] ?? '', '')
    expect(await reach(second, isEnded)).toMatchObject({ status: 'COMPLETED', attempt: 1 })
    batch.open()
    expect((await reach(batch.id, isEnded)).attempts.map(({ status }) => status)).toEqual(['PREEMPTED', 'COMPLETED'])
    always.open()
    expect(await reach(always.id, isEnded)).toMatchObject({ attempt: 1 })
  })
})

describe('a checkpoint', () => {
  it('is given to the next attempt, the latest one, and stays with the task', async () => {
    const done = { done: ['a', null, '\ufffd'] }
    const id = await submitTask(server, { type: 'fails' })
    const task = await reach(id, isEnded)
    expect(task).toMatchObject({ status: 'COMPLETED', result: done, checkpoint: done })
    expect(task.attempts).toEqual([
      { number: 1, status: 'FAILED', checkpoint: done },
      { number: 2, status: 'COMPLETED', checkpoint: null },
    ])
  })

  it.each([
    ['large', 'The checkpoint is 300,002 bytes; at most 262,144 can be saved.'],
    ['bigint', 'The checkpoint cannot be written as JSON: Do not know how to serialize a BigInt'],
    ['deep', 'The checkpoint is nested more than 200 levels deep.'],
  ])('that can’t be saved is an error of the handler: %s', async (value, message) => {
    for (const type of ['saves', 'saves.within']) {
      const task = await reach(await submitTask(server, { type, input: { value } }), isEnded)
      expect(task).toMatchObject({ status: 'FAILED', checkpoint: null, error: { message } })
    }
  })
})
