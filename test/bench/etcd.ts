import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '#platform/system/free-port.ts'
import { until } from '#test/support/until.ts'

export interface Etcd {
  readonly url: string
  readonly version: string
  stop(): Promise<void>
}

/** An etcd of its own, with its data beside the other databases of a benchmark; undefined when none is installed. */
export async function startEtcd(): Promise<Etcd | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-etcd-'))
  const [client, peer] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${client}`
  const peerUrl = `http://127.0.0.1:${peer}`
  const flags = {
    'data-dir': join(directory, 'data'),
    'listen-client-urls': url,
    'advertise-client-urls': url,
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
    'initial-cluster': `default=${peerUrl}`,
    'log-level': 'error',
  }
  const child = spawn(
    'etcd',
    Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
    { stdio: 'ignore' },
  )
  const isMissing = await Promise.race([failed(child), answers(url).then(() => false)])
  if (isMissing) return undefined
  const { etcdserver } = (await (await fetch(`${url}/version`)).json()) as { etcdserver: string }
  return {
    url,
    version: etcdserver,
    async stop() {
      child.kill('SIGTERM')
      await once(child, 'exit')
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function failed(child: ChildProcess): Promise<boolean> {
  const [error] = (await once(child, 'error')) as [NodeJS.ErrnoException]
  if (error.code !== 'ENOENT') throw error
  return true
}

async function answers(url: string): Promise<void> {
  await until(async () => (await fetch(`${url}/health`).catch(() => undefined))?.status === 200, 20_000)
}
