import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An HTTP server that accepts everything and keeps only the ids. */
export interface CountingReceiver {
  readonly url: string
  /** How many deliveries of events other than the ping have come to a path, those that came again counted once. */
  seen(path: string): number
  close(): Promise<void>
}

export async function startCountingReceiver(): Promise<CountingReceiver> {
  const ids = new Map<string, Set<string>>()
  const server = createServer((req, res) => {
    const { url = '', headers } = req
    req.resume().once('end', () => {
      const known = ids.get(url) ?? new Set()
      ids.set(url, known.add(String(headers['webhook-id'])))
      res.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: (path) => (ids.get(path)?.size ?? 0) - 1,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
