import { createServer } from 'node:http'
import { closeServer, listen } from '#platform/http/listener.ts'
import type { Config } from '#src/config.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

const answerLimitMs = 3_000

/**
 * Whether a server could listen where it is configured to, or does. `isServing` says whether the server of this
 * installation is known to run; undefined when nobody can know.
 */
export async function examinePort(
  { host, port, roles }: Config,
  isServing: boolean | undefined,
): Promise<Omit<Finding, 'check'>> {
  if (port === 0) return ok('The system chooses a free one at each start.')
  const place = `${host}:${port}`
  const answer = await whoAnswers(host, port)
  if (answer === 'signalbox' && isServing === false)
    return problem(`A Signalbox of another installation answers at ${place}.`, 'Stop it, or set PORT to a free one.')
  if (answer === 'signalbox') return ok(`A Signalbox answers at ${place}.`)
  if (answer === 'other') return problem(`Another program answers at ${place}.`, 'Stop it, or set PORT to a free one.')
  if (isServing && roles.api)
    return warning(
      `The server of this installation runs, but not at ${place}.`,
      'It was started with another PORT or HOST, or is starting.',
    )
  const probe = createServer()
  await listen(probe, host, port)
  await closeServer(probe, 0)
  return ok(`${place} is free.`)
}

/** A Signalbox tells itself by how it asks for a token. */
async function whoAnswers(host: string, port: number): Promise<'signalbox' | 'other' | 'nobody'> {
  try {
    const response = await fetch(`http://${reachable(host)}:${port}/graphql`, {
      method: 'POST',
      signal: AbortSignal.timeout(answerLimitMs),
    })
    await response.body?.cancel()
    return response.headers.get('www-authenticate')?.includes('realm="signalbox"') ? 'signalbox' : 'other'
  } catch {
    return 'nobody'
  }
}

/** All addresses of a machine can be listened on, but not connected to. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
