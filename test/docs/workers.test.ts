import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readTopic } from '#docs/topics.ts'
import { submitTask } from '#test/support/follower.ts'
import { graphqlData } from '#test/support/graphql.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { addToken } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'

const [, program = ''] = /```python\n([\s\S]*?)```/.exec(readTopic('workers') ?? '') ?? []

function hasPython(): boolean {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

let server: TestServer
beforeAll(async () => {
  server = await sharedServer()
})
afterAll(() => server.close())

describe.skipIf(!hasPython())('the worker in Python of the documentation', () => {
  it('registers its type, runs tasks of it, and fails one that it can’t run', async () => {
    const { token } = await addToken(server, { accountId: server.accountId!, scopes: ['tasks:work:type=text.*'] })
    const directory = mkdtempSync(join(tmpdir(), 'signalbox-python-'))
    const file = join(directory, 'worker.py')
    writeFileSync(file, program)
    const child = spawn('python3', [file], {
      stdio: 'inherit',
      env: { PATH: process.env['PATH'], SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: token },
    })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    try {
      await until(async () => {
        const { taskTypes } = await graphqlData<{ taskTypes: { name: string }[] }>(server, '{ taskTypes { name } }')
        return taskTypes.some(({ name }) => name === 'text.count')
      })
      const inputs = [{ text: 'three small words' }, { text: 7 }]
      const ids: string[] = []
      for (const input of inputs) ids.push(await submitTask(server, { type: 'text.count', input }))
      const query = '{ task(id: $id) { status result error { code } logs { nodes { message } } } }'
      const tasks = await Promise.all(
        ids.map((id) =>
          until(async () => {
            const { task } = await graphqlData<{ task: { status: string } }>(server, `query ($id: ID!) ${query}`, {
              id,
            })
            return ['COMPLETED', 'FAILED'].includes(task.status) && task
          }),
        ),
      )
      expect(tasks).toEqual([
        { status: 'COMPLETED', result: { words: 3 }, error: null, logs: { nodes: [{ message: 'Counting.' }] } },
        { status: 'FAILED', result: null, error: { code: 'HANDLER_FAILED' }, logs: { nodes: [] } },
      ])
    } finally {
      child.kill('SIGKILL')
      await ended
      rmSync(directory, { recursive: true })
    }
  })
})
