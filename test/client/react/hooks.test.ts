import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createElement } from 'react'
import { renderToString } from 'react-dom/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient, type SignalboxClient } from '#client/client.ts'
import {
  SignalboxProvider,
  useConnection,
  useDocument,
  useEntry,
  useEvents,
  useLock,
  useLogs,
  useSubmit,
  useTask,
  useTasks,
} from '#client/react/index.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { metric, subscribers } from '#test/support/metrics.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { openPage, renderHook } from './render.ts'

let server: TestServer
let client: SignalboxClient
let page: ReturnType<typeof openPage>
beforeAll(async () => {
  page = openPage()
  server = await sharedServer()
  client = createClient({ url: server.url, token: server.token })
})
afterAll(async () => {
  await client.close()
  await server.close()
  await page.close()
})

function TaskCount() {
  const { isLoading, nodes } = useTasks()
  return createElement('p', null, isLoading ? 'loading' : nodes.length)
}

/** A task that waits in the middle until it is released. */
async function submitHolding(more: object = {}) {
  const until = join(tmpdir(), `signalbox-hooks-${randomUUID()}`)
  const query = `mutation ($input: SubmitTaskInput!) { submitTask(input: $input) {
    ... on SubmitTaskPayload { task { id } } } }`
  const input = { type: 'holds', input: { until }, ...more }
  const { submitTask } = await graphqlData<{ submitTask: { task: { id: string } } }>(server, query, { input })
  return { id: submitTask.task.id, release: () => writeFileSync(until, '') }
}

describe('useTask and useLogs', () => {
  it('follow a task to its end, each line once, over one socket', async () => {
    const { id, release } = await submitHolding()
    const task = await renderHook(client, () => ({ task: useTask(id), log: useLogs(id), connection: useConnection() }))
    const held = await task.until(
      ({ task: { data, isLive }, log }) =>
        data?.currentStep === 'halfway' && data.progress === 40 && isLive && log.data?.lines.length === 3,
    )
    expect(held.task.data).toMatchObject({ status: 'ACTIVE' })
    expect(held.connection.state).toBe('open')
    release()
    const { task: ended, log } = await task.until(({ task }) => task.data?.status === 'COMPLETED')
    expect(ended.data?.result).toEqual({ held: true })
    expect(log.data?.lines.map(({ message }) => message)).toEqual(['one', 'two', 'three'])
    expect(await metric(server, 'signalbox_websockets')).toBeLessThanOrEqual(1)
    task.unmount()
  })

  it('have null for a task that is not there, and nothing while they are skipped', async () => {
    const none = await renderHook(client, () => useTask('00000000-0000-4000-8000-000000000000'))
    expect((await none.until(({ isLoading }) => !isLoading)).data).toBeNull()
    none.unmount()
    const skipped = await renderHook(client, () => useLogs('x', { skip: true }))
    expect(skipped.current).toMatchObject({ data: undefined, isLoading: false, isLive: false })
    skipped.unmount()
  })

  it('hold the last lines of a long log, and say how many are gone', async () => {
    const { id, release } = await submitHolding()
    release()
    const log = await renderHook(client, () => useLogs(id, { maxLines: 2 }))
    const { data } = await log.until(({ data }) => data?.dropped === 1)
    expect(data?.lines.map(({ message }) => message)).toEqual(['two', 'three'])
    log.unmount()
  })
})

describe('useTasks', () => {
  it('shows new tasks and their progress, and drops those that no longer match', async () => {
    const labels = { list: randomUUID() }
    const first = await submitHolding({ labels })
    const where = { labels, status: ['ACTIVE' as const] }
    const list = await renderHook(client, () => useTasks({ where }))
    await list.until(({ nodes, isLive }) => isLive && nodes[0]?.progress === 40)
    const second = await submitHolding({ labels })
    await list.until(({ nodes }) => nodes.length === 2)
    expect(list.current.nodes.map(({ id }) => id)).toEqual([second.id, first.id])
    first.release()
    await list.until(({ nodes }) => nodes.length === 1)
    expect(list.current.nodes[0]?.id).toBe(second.id)
    second.release()
    await list.until(({ nodes }) => nodes.length === 0)
    list.unmount()
  })

  it('reads page after page, each task once', async () => {
    const labels = { pages: randomUUID() }
    const input = { type: 'probe', runAt: '2100-01-01T00:00:00Z', labels }
    const tasks = Array.from({ length: 5 }, () => input)
    await graphqlData(
      server,
      'mutation ($tasks: [SubmitTaskInput!]!) { submitTasks(input: { tasks: $tasks }) { __typename } }',
      {
        tasks,
      },
    )
    const list = await renderHook(client, () => useTasks({ where: { labels }, pageSize: 2 }))
    await list.until(({ nodes }) => nodes.length === 2)
    for (const length of [4, 5]) {
      await list.current.loadMore()
      await list.until(({ nodes }) => nodes.length === length)
    }
    expect(list.current.hasMore).toBe(false)
    expect(new Set(list.current.nodes.map(({ id }) => id)).size).toBe(5)
    list.unmount()
  })
})

describe('useSubmit', () => {
  it('submits, and says why a task was refused', async () => {
    const hook = await renderHook(client, () => useSubmit())
    const task = await hook.current.submit({ type: 'probe', input: { durationMs: 0, steps: 0 } })
    expect(task).toMatchObject({ type: 'probe' })
    expect(await hook.current.submit({ type: 'probe', input: { durationMs: -1 } })).toBeUndefined()
    const { error } = await hook.until(({ error }) => error !== undefined)
    expect(error).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: 'input.durationMs' }] })
    hook.unmount()
  })
})

describe('useDocument, useEntry, useLock and useEvents', () => {
  it('show each change of what they are about', async () => {
    const key = `hooks-${randomUUID()}`
    const hook = await renderHook(client, () => ({
      document: useDocument('hooks', key),
      entry: useEntry(key),
      lock: useLock(key),
      events: useEvents({ types: ['document.*', 'entry.*'] }),
    }))
    await hook.until(({ document, entry, lock, events }) =>
      [document, entry, lock, events].every(({ isLoading, isLive }) => !isLoading && isLive),
    )
    expect(hook.current.document.data).toBeNull()
    const query = `mutation ($key: String!) {
      putDocument(input: { collection: "hooks", key: $key, data: { a: 1 } }) { __typename }
      setEntry(input: { key: $key, value: 7 }) { __typename }
      acquireLock(input: { name: $key, ttlMs: 60000 }) { __typename } }`
    await graphqlData(server, query, { key })
    const { document, entry, lock } = await hook.until(
      ({ document, entry, lock, events }) =>
        document.data != null && entry.data != null && lock.data != null && events.data?.length === 2,
    )
    expect([document.data?.data, entry.data?.value, lock.data?.name]).toEqual([{ a: 1 }, 7, key])
    hook.unmount()
  })
})

describe('hooks', () => {
  it('render nothing but what is loading on a server, and open no connection', () => {
    const lost = createClient({ url: 'http://127.0.0.1:9', token: 'x' })
    const html = renderToString(createElement(SignalboxProvider, { client: lost }, createElement(TaskCount)))
    expect(html).toBe('<p>loading</p>')
  })

  it('share what they follow, and end it with the last component', async () => {
    const before = await subscribers(server)
    const { id, release } = await submitHolding()
    const both = await Promise.all([1, 2].map(() => renderHook(client, () => useTask(id))))
    await Promise.all(both.map((one) => one.until(({ isLive }) => isLive)))
    expect(both[0]?.current.data).toBe(both[1]?.current.data)
    for (const one of both) one.unmount()
    release()
    await expect.poll(() => subscribers(server), { timeout: 10_000 }).toBeLessThanOrEqual(before)
  })

  it('render once for a burst of changes', async () => {
    const hook = await renderHook(client, () => useEvents({ types: ['burst.*'] }))
    await hook.until(({ isLive }) => isLive)
    const before = hook.renders
    const events = Array.from(
      { length: 40 },
      (_, index) => `e${index}: triggerEvent(input: { type: "burst.one" }) { __typename }`,
    )
    await graphqlData(server, `mutation { ${events.join('\n')} }`)
    await hook.until(({ data }) => data?.length === 40)
    // Strict mode renders each time twice.
    expect((hook.renders - before) / 2).toBeLessThan(40)
    hook.unmount()
  })

  it('say that a credential is not accepted any more', async () => {
    const refused = createClient({ url: server.url, token: 'sbx_wrong' })
    const hook = await renderHook(refused, () => ({ tasks: useTasks(), connection: useConnection() }))
    const { tasks } = await hook.until(({ connection }) => connection.state === 'refused')
    expect(tasks.error?.code).toBe('UNAUTHENTICATED')
    hook.unmount()
    await refused.close()
  })
})
