import { BareConnection } from './http-load.ts'
import { percentile, type Row, report } from './report.ts'
import { openStand, type Stand, token } from './stand.ts'

const connections = 32
const turns = 7
const turnMs = 2_000
const query = 'query($id: ID!) { task(id: $id) { id type status priority createdAt } }'

/** What all checks and limits cost: the same query by an application token, with them and without. */
export async function benchAccess(): Promise<object> {
  const stand = await openStand()
  try {
    return { access: report('One task by its id, queries a second, 32 at a time', await access(stand)) }
  } finally {
    await stand.close()
  }
}

async function access(stand: Stand): Promise<Row[]> {
  const url = await stand.createDatabase('access')
  const guarded = await stand.startServer(url, { ROLES: 'api' })
  const open = await stand.startUnguarded(url)
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  const submit = 'mutation { submitTask(input: { type: "bench.noop" }) { ... on SubmitTaskPayload { task { id } } } }'
  const submitted = new BareConnection(guarded.url, '/graphql', headers, JSON.stringify({ query: submit }))
  const id = /"id":"([^"]+)"/.exec(await submitted.send())?.[1]
  submitted.close()
  const body = JSON.stringify({ query, variables: { id } })
  const clientsOf = (base: string) =>
    Array.from({ length: connections }, () => new BareConnection(base, '/graphql', headers, body))
  const [ours, bare] = [clientsOf(guarded.url), clientsOf(open.url)]
  const withAll: number[] = []
  const without: number[] = []
  // In turns, so that both meet the same machine; the first turn only warms up.
  for (let turn = 0; turn <= turns; turn += 1) {
    withAll.push(await rateOf(ours, id ?? ''))
    without.push(await rateOf(bare, id ?? ''))
  }
  for (const client of [...ours, ...bare]) client.close()
  await Promise.all([guarded.stop(), open.stop()])
  const [mine, most] = [percentile(withAll.slice(1), 0.5), percentile(without.slice(1), 0.5)]
  return [
    {
      what: 'token, scopes, limits of text, requests and cost',
      'per second': mine,
      share: `${(mine / most).toFixed(2)}`,
    },
    { what: 'the same pipeline without any of them', 'per second': most, share: '1.00' },
  ]
}

async function rateOf(clients: readonly BareConnection[], id: string): Promise<number> {
  let count = 0
  const startedAt = performance.now()
  const repeat = async (client: BareConnection) => {
    while (performance.now() - startedAt < turnMs) {
      const answer = await client.send()
      if (!answer.includes(id)) throw new Error(`not found: ${answer}`)
      count += 1
    }
  }
  await Promise.all(clients.map(repeat))
  return (count * 1000) / (performance.now() - startedAt)
}
