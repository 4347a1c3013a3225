import { readFileSync } from 'node:fs'
import { Pool } from 'undici'
import { openStand, token } from './stand.ts'

const cpu = (pid: number) => {
  const f = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(f[11]) + Number(f[12])) * 10
}
const stand = await openStand()
const server = await stand.startServer(await stand.createDatabase('s'), { ROLES: 'api' })
const client = new Pool(server.url, { connections: 64, pipelining: 1 })
for (const [q, v] of [
  ['query { viewer { name } }'],
  ['query { viewer { account { name } } }'],
  [
    'mutation($input: SubmitTaskInput!) { submitTask(input: $input) { __typename } }',
    { input: { type: 'bench.noop' } },
  ],
  [
    'mutation($input: SubmitTaskInput!) { submitTask(input: $input) { ... on SubmitTaskPayload { task { id } } } }',
    { input: { type: 'bench.noop' } },
  ],
] as [string, object?][]) {
  const one = async () => {
    const { body } = await client.request({
      path: '/graphql',
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: q, variables: v }),
    })
    const t = await body.text()
    if (t.includes('errors')) throw new Error(t)
  }
  const run = async (ms: number) => {
    let n = 0
    const t = performance.now()
    await Promise.all(
      Array.from({ length: 64 }, async () => {
        while (performance.now() - t < ms) {
          await one()
          n++
        }
      }),
    )
    return n
  }
  await run(1000)
  const c = cpu(server.pid),
    t = performance.now()
  const n = await run(2500)
  console.log(
    q.slice(0, 90),
    Math.round((n * 1000) / (performance.now() - t)),
    '/s',
    (((cpu(server.pid) - c) * 1000) / n).toFixed(0),
    'µs server CPU each',
  )
}
await client.close()
await server.stop()
await stand.close()
