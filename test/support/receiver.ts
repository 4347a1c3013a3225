import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { until } from './until.ts'

/** What came. */
interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly at: number
}

type Answer = (req: IncomingMessage, res: ServerResponse, received: Received) => unknown

export interface Receiver {
  readonly url: string
  readonly received: readonly Received[]
  /** Answers like this from now on. */
  answer(answer: Answer): void
  /** Waits until so many have come whose path, without its beginning slash, is this; all when absent. */
  got(count: number, path?: string): Promise<readonly Received[]>
  close(): Promise<void>
}

/** Somebody's HTTP server on loopback, which keeps what it gets and answers 204 unless told otherwise. */
export async function startReceiver(server: Server = createServer()): Promise<Receiver> {
  const received: Received[] = []
  let answer: Answer = (_req, res) => res.writeHead(204).end()
  server.on('request', async (req: IncomingMessage, res: ServerResponse) => {
    const body = (await buffer(req).catch(() => Buffer.alloc(0))).toString()
    const one = { method: req.method ?? '', path: req.url ?? '', headers: req.headers, body, at: Date.now() }
    received.push(one)
    answer(req, res, one)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const scheme = 'setSecureContext' in server ? 'https' : 'http'
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    received,
    answer(next) {
      answer = next
    },
    got: (count, path) =>
      until(() => {
        const found = received.filter((one) => path === undefined || one.path === `/${path}`)
        return found.length >= count && found
      }),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
