import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '#platform/system/free-port.ts'
import { shareCompileCache } from './compile-cache.ts'
import { ownerToken, secretKey } from './server.ts'
import { until } from './until.ts'

/** What users start the program by: this checkout's, or that of another installation of the same version. */
export const mainFile = process.env['TEST_PROGRAM'] ?? fileURLToPath(new URL('../../src/signalbox.js', import.meta.url))

export interface ServerProcess {
  readonly url: string
  readonly token: string
  readonly child: ChildProcess
  /** Standard output and error so far. */
  output(): string
  /** Sends a signal and waits for the end; resolves with exit code or signal. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null>
}

export interface ServerProcessOptions {
  readonly dataDir: string
  readonly databaseUrl?: string
  readonly env?: Record<string, string>
  readonly cwd?: string
  /** As whom it runs, when that is not this process's user. */
  readonly uid?: number
}

/** Starts `signalbox serve` as its own process and waits until it is ready. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const server = await spawnServer(options)
  try {
    await until(() => isReady(server), 60_000)
    return server
  } catch (error) {
    await server.end('SIGKILL')
    throw new Error(`The server did not become ready:\n${server.output()}`, { cause: error })
  }
}

async function isReady({ child, url }: ServerProcess): Promise<boolean> {
  if (child.exitCode !== null) throw new Error('The server has ended.')
  const answer = await fetch(`${url}/readyz`).catch(() => undefined)
  return answer?.status === 200
}

/** Starts `signalbox serve` as its own process, and leaves it to the caller what comes of it. */
export async function spawnServer({
  dataDir,
  databaseUrl,
  env,
  cwd,
  uid,
}: ServerProcessOptions): Promise<ServerProcess> {
  const port = await freePort()
  // Where tasks run as another user, the server chooses the place.
  if (uid === undefined && env?.['TASK_USER'] === undefined && existsSync(dataDir))
    shareCompileCache(join(dataDir, 'workspaces'))
  const child = spawn(process.execPath, [mainFile, 'serve'], {
    cwd,
    ...(uid !== undefined && { uid, gid: uid }),
    env: {
      PATH: process.env['PATH'],
      PORT: String(port),
      DATA_DIR: dataDir,
      BOOTSTRAP_TOKEN: ownerToken,
      SECRET_KEY: secretKey,
      SHUTDOWN_TIMEOUT_MS: '2000',
      WARM_TASK_PROCESSES: '0',
      // Tests hand files to their tasks in directories that only they themselves may read.
      TASK_USER: String(process.getuid?.() ?? ''),
      LOG_FORMAT: 'json',
      ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  return {
    url: `http://127.0.0.1:${port}`,
    token: ownerToken,
    child,
    output: () => output,
    async end(signal) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill(signal)
        await once(child, 'exit')
      }
      return child.exitCode ?? child.signalCode
    },
  }
}
