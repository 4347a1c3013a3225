import { Session } from 'node:inspector/promises'
import { sourcePlace } from '#platform/telemetry/source-stack.ts'

const maxFrames = 15

/**
 * Where the main thread is, from another one and while it is blocked: the innermost calls, such as
 * `walk (file:///srv/signalbox/src/lib/walk.ts:12)`. Empty when it does not answer in time, as in a system call.
 */
export async function mainThreadStack(limitMs: number): Promise<readonly string[]> {
  const session = new Session()
  const { promise: limit, resolve: giveUp } = Promise.withResolvers<readonly string[]>()
  setTimeout(() => giveUp([]), limitMs)
  try {
    session.connectToMainThread()
    return await Promise.race([pausedAt(session), limit])
  } catch {
    return []
  }
}

async function pausedAt(session: Session): Promise<readonly string[]> {
  const urls = new Map<string, string>()
  session.on('Debugger.scriptParsed', ({ params: { scriptId, url } }) => urls.set(scriptId, url))
  const paused = new Promise<readonly string[]>((resolve) => {
    session.once('Debugger.paused', ({ params: { callFrames } }) =>
      resolve(
        callFrames.slice(0, maxFrames).map(({ functionName, location: { scriptId, lineNumber, columnNumber = 0 } }) => {
          const name = functionName === '' ? '(anonymous)' : functionName
          const place = { url: urls.get(scriptId) ?? 'unknown', line: lineNumber + 1 }
          const { url, line } = sourcePlace(place.url, place.line, columnNumber + 1) ?? place
          return `${name} (${url}:${line})`
        }),
      ),
    )
  })
  await session.post('Debugger.enable')
  await session.post('Debugger.pause')
  return paused
}
