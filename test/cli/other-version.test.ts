import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { run } from '#test/support/command-line.ts'

it('says that the server is of another version when it does not know the operation', async () => {
  const message = 'Unknown type "SetEntryInput". Did you mean "RetryTaskInput"?'
  const older = createServer((_req, res) => {
    res.writeHead(400, { 'content-type': 'application/graphql-response+json' })
    res.end(JSON.stringify({ errors: [{ message, extensions: { code: 'INVALID_INPUT' } }] }))
  }).listen(0, '127.0.0.1')
  await once(older, 'listening')
  const url = `http://127.0.0.1:${(older.address() as AddressInfo).port}`
  const env = { SIGNALBOX_URL: url, SIGNALBOX_TOKEN: 'sbx_any' }
  const { code, stderr } = await run(['kv', 'set', 'a', '1'], { env })
  older.close()
  expect(code).toBe(2)
  expect(stderr).toContain('it is of another version than this command line, probably older')
})
