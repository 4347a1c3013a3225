import { afterAll, describe, expect, it } from 'vitest'
import type { RequestHandler } from '#domain/tasks/runner.ts'
import type { Attempt } from '#domain/tasks/task.ts'
import { createServerTypes } from '#test/fixtures/runner/server-types.ts'
import { newAttempt, nothingLeft, openRunner } from '#test/support/attempts.ts'

const program = new URL('../../fixtures/runner/server-host.ts', import.meta.url)

async function open(handler?: RequestHandler) {
  const requestHandlers = new Map(handler && ['asks.process', 'asks.none'].map((type) => [type, handler] as const))
  const opened = await openRunner({ contributed: { types: createServerTypes('hello'), program, requestHandlers } })
  closing.push(opened.close)
  return opened
}

const closing: (() => void)[] = []
afterAll(() => {
  for (const close of closing) close()
})

describe.each(['process', 'none'])('a type of the server with isolation %s', (isolation) => {
  const type = `asks.${isolation}`
  const isOwn = isolation === 'process'

  it('has its request answered in the server’s process, which knows the attempt', async () => {
    const seen: Attempt[] = []
    const { run, leftovers } = await open(async (request, attempt) => {
      seen.push(attempt)
      return { pid: process.pid, request }
    })
    const attempt = newAttempt(type, { question: { org: 'acme' } })
    const { outcome } = await run(attempt)
    expect(outcome).toEqual({
      kind: 'completed',
      result: {
        greeting: 'hello',
        pid: isOwn ? expect.any(Number) : process.pid,
        answer: { pid: process.pid, request: { org: 'acme' } },
      },
    })
    expect(seen).toEqual([attempt])
    expect(leftovers(attempt)).toEqual(nothingLeft)
  })

  it('fails with the message of the handler', async () => {
    const { run } = await open(async () => {
      throw new Error('The org "acme" needs a new authorization.')
    })
    const { outcome } = await run(newAttempt(type, { question: null }))
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { message: expect.stringContaining('The org "acme" needs a new authorization.') },
    })
  })

  it('fails when nothing answers its requests', async () => {
    const { run } = await open()
    const { outcome } = await run(newAttempt(type, { question: null }))
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { message: expect.stringContaining(`The server answers no requests of tasks of the type "${type}".`) },
    })
  })

  it('notifies the handler when it is stopped', async () => {
    const stopped = Promise.withResolvers<unknown>()
    const asked = Promise.withResolvers<void>()
    const { run } = await open(async (_request, _attempt, signal) => {
      signal.addEventListener('abort', () => stopped.resolve(signal.reason))
      asked.resolve()
      return stopped.promise
    })
    const attempt = newAttempt(type, { question: null })
    const { outcome } = await run(attempt, async (_output, stop) => {
      await asked.promise
      stop.abort('cancelled')
    })
    expect(await stopped.promise).toBe('cancelled')
    expect(outcome).toMatchObject({ kind: 'stopped', by: 'cancelled' })
  })
})

it('fails the request, not the server, when an answer cannot be sent', async () => {
  const { run } = await open(async () => ({ notJson: () => 1 }))
  const { outcome } = await run(newAttempt('asks.process', { question: null }))
  expect(outcome).toMatchObject({ kind: 'failed', error: { message: expect.stringContaining('could not be cloned') } })
})
