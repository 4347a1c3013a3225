import type { TestServer } from './server.ts'

/** What `/metrics` says now. */
export async function metric(server: Pick<TestServer, 'url' | 'token'>, name: string): Promise<number> {
  const response = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.token}` } })
  const text = await response.text()
  const line = text.split('\n').find((one) => one.startsWith(`${name} `))
  if (line === undefined) throw new Error(`There is no metric ${name}: ${response.status} ${text}`)
  return Number(line.slice(name.length))
}

/** How many streams of the journal are open. */
export function subscribers(server: Pick<TestServer, 'url' | 'token'>): Promise<number> {
  return metric(server, 'signalbox_subscribers')
}
