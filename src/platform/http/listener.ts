import type { Server } from 'node:http'
import { StartupError } from '#lib/errors.ts'

const refusals: Record<string, (place: string) => string> = {
  EADDRINUSE: (place) => `${place} is in use by another program. Set PORT to a free one, or to 0 for any.`,
  EACCES: (place) => `${place} may not be opened by this user. Set PORT to one above 1023.`,
  EADDRNOTAVAIL: (place) =>
    `${place} is not an address of this machine. Set HOST to one that is, or to 0.0.0.0 for all.`,
  ENOTFOUND: (place) => `The host of ${place} is not known. Set HOST to an address of this machine.`,
}

/** Starts to accept connections; resolves with the port, which is chosen by the system when 0 was asked for. @throws {StartupError} */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const say = refusals[error.code ?? '']
      reject(say ? new StartupError(say(`${host}:${port}`), { cause: error }) : error)
    })
    server.listen(port, host, resolve)
  })
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}

/** Accepts nothing more, lets requests under way end for up to `limitMs`, then breaks what is left. */
export async function closeServer(server: Server, limitMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const timer = setTimeout(() => server.closeAllConnections(), limitMs)
  await closed
  clearTimeout(timer)
}
