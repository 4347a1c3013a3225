import type { TestServer } from './server.ts'

/** What `/metrics` says now. */
export async function metric(server: Pick<TestServer, 'url' | 'token'>, name: string): Promise<number> {
  const response = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.token}` } })
  const text = await response.text()
  const value = findMetric(text, name)
  if (value === undefined) throw new Error(`There is no metric ${name}: ${response.status} ${text}`)
  return value
}

/** The value of a series, such as `name{label="value"}`, in what `/metrics` says. */
export function findMetric(text: string, series: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length))
}

/** How many streams of the journal are open. */
export function subscribers(server: Pick<TestServer, 'url' | 'token'>): Promise<number> {
  return metric(server, 'signalbox_subscribers')
}
