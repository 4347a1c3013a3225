import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { batchWindowText, isBatchOpen, parseBatchWindow } from '#domain/tasks/batch-window.ts'
import { submitTask } from '#test/support/follower.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

const openAt = (window: string, ...times: string[]) =>
  times.map((time) => isBatchOpen(parseBatchWindow(window), new Date(time)))

describe('the batch window', () => {
  it('is always open when there is none', () => {
    expect(isBatchOpen(undefined, new Date())).toBe(true)
  })

  it('begins with its first minute and ends before its last, also over midnight', () => {
    const day = ['07:59:59', '08:00:00', '16:59:59', '17:00:00'].map((time) => `2026-01-15T${time}Z`)
    expect(openAt('08:00-17:00 UTC', ...day)).toEqual([false, true, true, false])
    expect(openAt('17:00-08:00 UTC', ...day)).toEqual([true, false, false, true])
    expect(openAt('00:00-08:00 UTC', '2026-01-15T00:00:00Z', '2026-01-15T08:00:00Z')).toEqual([true, false])
  })

  it('goes by the clock of its time zone, in summer and in winter', () => {
    const times = ['2026-01-15T20:30:00Z', '2026-01-15T21:30:00Z', '2026-07-15T20:30:00Z', '2026-07-15T03:30:00Z']
    expect(openAt('22:00-06:00 Europe/Berlin', ...times)).toEqual([false, true, true, true])
    // On 25 October the hour from 2 to 3 comes twice, on 29 March it is missing.
    const autumn = ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', '2026-10-25T02:30:00Z']
    expect(openAt('02:00-03:00 Europe/Berlin', ...autumn)).toEqual([true, true, false])
    expect(openAt('02:00-03:00 Europe/Berlin', '2026-03-29T00:59:00Z', '2026-03-29T01:00:00Z')).toEqual([false, false])
  })

  it.each(['22:00-06:00 Europe/Berlin', '00:00-23:59 UTC'])('is read and shown as %s', (text) => {
    const window = parseBatchWindow(text)
    expect(window && batchWindowText(window)).toBe(text)
  })
})

describe('outside the batch window', () => {
  let server: TestServer
  beforeAll(async () => {
    // Two hours that begin in ten.
    const hour = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 13)
    const env = { BATCH_WINDOW: `${hour(10)}:00-${hour(12)}:00 UTC`, WORKER_SLOTS: '1', CRITICAL_SLOTS: '0' }
    server = await startTestServer({ env })
  })
  afterAll(() => server.close())

  it('batch tasks wait and say why, and the slot is left to the others', async () => {
    const batch = await submitTask(server, { type: 'probe', priority: 'BATCH' })
    const normal = await submitTask(server, { type: 'probe' })
    const query = `query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Task { status waiting { reason message ahead } } } }`
    const tasks = await until(async () => {
      const { nodes } = await graphqlData<{ nodes: { status: string }[] }>(server, query, { ids: [batch, normal] })
      return nodes[1]?.status === 'COMPLETED' && nodes
    })
    const message = expect.stringMatching(/^BATCH tasks start at \d\d:00-\d\d:00 UTC only\.$/)
    expect(tasks[0]).toEqual({ status: 'PENDING', waiting: { reason: 'WINDOW', message, ahead: null } })
  })
})
