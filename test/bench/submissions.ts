import { BareConnection } from './http-load.ts'
import { token } from './stand.ts'

const connections = 64

const query =
  'mutation($input: SubmitTaskInput!) { submitTask(input: $input) { ... on SubmitTaskPayload { task { id } } ... on Failure { code } } }'

/** Clients that each submit one task at a time. */
export function openSubmitters(url: string): { submit(caller: number): Promise<void>; close(): void } {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  const body = JSON.stringify({ query, variables: { input: { type: 'bench.noop' } } })
  const clients = Array.from({ length: connections }, () => new BareConnection(url, '/graphql', headers, body))
  return {
    async submit(caller) {
      const answer = (await clients[caller]?.send()) ?? ''
      if (!answer.includes('"task":{"id":"')) throw new Error(`not submitted: ${answer}`)
    },
    close() {
      for (const client of clients) client.close()
    },
  }
}

/** How often a second `work` gets done when 64 callers repeat it. */
export async function countFor(durationMs: number, work: (caller: number) => Promise<unknown>): Promise<number> {
  let count = 0
  const startedAt = performance.now()
  const call = async (caller: number) => {
    while (performance.now() - startedAt < durationMs) {
      await work(caller)
      count += 1
    }
  }
  await Promise.all(Array.from({ length: connections }, (_, caller) => call(caller)))
  return (count * 1000) / (performance.now() - startedAt)
}
