import { realpath, stat } from 'node:fs/promises'
import { isAbsolute, resolve, sep } from 'node:path'
import { PermanentFailure } from '#domain/tasks/task-type.ts'
import type { Git } from './git.ts'

/** Where a repository is fetched from, found harmless. */
export interface RepositorySource {
  /** What git is given. */
  readonly location: string
  /** Git's settings for this source, as `name=value`. */
  readonly settings: readonly string[]
}

export interface SourceRules {
  readonly roots: readonly string[]
  readonly egressAllow: readonly string[]
}

/** Checks what a caller named as source. @throws {PermanentFailure} when it is none that may be read. */
export async function repositorySource(source: string, rules: SourceRules, git: Git): Promise<RepositorySource> {
  if (/^[a-z][a-z0-9+.-]*:/i.test(source)) return remoteSource(source, rules.egressAllow)
  const location = await localPath(source, rules.roots)
  await mustStayInside(location, rules.roots, git)
  return { location, settings: ['protocol.file.allow=always'] }
}

async function remoteSource(source: string, egressAllow: readonly string[]): Promise<RepositorySource> {
  const url = URL.parse(source)
  if (url?.protocol !== 'https:')
    throw new PermanentFailure('The source must be an https: URL or a path below one of the roots.', 'SOURCE_REFUSED')
  if (url.username || url.password)
    throw new PermanentFailure(
      'The source must not carry credentials: they would be kept with the task.',
      'SOURCE_REFUSED',
    )
  // Only remote sources need it, and what a task's process loads delays each of its starts.
  const { publicAddresses } = await import('./egress.ts')
  const addresses = await publicAddresses(url.hostname, egressAllow)
  return { location: url.href, settings: ['protocol.https.allow=always', pinned(url, addresses)] }
}

/** Git connects to what was checked, even when the name means something else a moment later (CURLOPT_RESOLVE). */
function pinned(url: URL, addresses: readonly string[]): string {
  const list = addresses.map((address) => (address.includes(':') ? `[${address}]` : address))
  return `http.curloptResolve=${url.hostname}:${url.port || '443'}:${list.join(',')}`
}

async function localPath(source: string, roots: readonly string[]): Promise<string> {
  const [firstRoot = '/'] = roots
  if (source.includes('\0')) throw notFound(source)
  const path = await realpath(isAbsolute(source) ? source : resolve(firstRoot, source)).catch(() => undefined)
  // One answer for what is missing and what is out of bounds: a caller must not learn what else the machine has.
  if (path === undefined || !(await isInRoots(path, roots))) throw notFound(source)
  if (!(await stat(path)).isDirectory()) throw notFound(source)
  return path
}

function notFound(source: string): PermanentFailure {
  return new PermanentFailure(`The source "${source}" is not a directory below one of the roots.`, 'SOURCE_REFUSED')
}

async function isInRoots(path: string, roots: readonly string[]): Promise<boolean> {
  const bases = await Promise.all(roots.map((root) => realpath(root).catch(() => undefined)))
  return bases.some(
    (base) => base !== undefined && (path === base || path.startsWith(base.endsWith(sep) ? base : base + sep)),
  )
}

/** A `.git` file, a work tree or an alternate may point anywhere on the machine; git would follow. */
async function mustStayInside(location: string, roots: readonly string[], git: Git): Promise<void> {
  for (const path of await gitDirectories(location, git)) {
    const real = await realpath(path).catch(() => undefined)
    if (real === undefined || !(await isInRoots(real, roots)))
      throw new PermanentFailure('The repository keeps its objects outside of the roots.', 'SOURCE_REFUSED')
  }
}

async function gitDirectories(location: string, git: Git): Promise<string[]> {
  const directories = await git
    .text(['-C', location, 'rev-parse', '--absolute-git-dir', '--git-common-dir'])
    .catch((cause: unknown) => {
      throw new PermanentFailure('The source is not a git repository.', 'NOT_A_REPOSITORY', { cause })
    })
  const counted = await git.text(['-C', location, 'count-objects', '-v'])
  const alternates = [...counted.matchAll(/^alternate: (.+)$/gm)].map(([, path = '']) => path)
  return [...directories.trim().split('\n'), ...alternates].map((path) => resolve(location, path))
}
