import { PermanentFailure } from '#domain/tasks/task-type.ts'

/** Where a repository is fetched from, found harmless. */
export interface RemoteSource {
  /** What git is given. */
  readonly location: string
  /** Git's settings for this source, as `name=value`. */
  readonly settings: readonly string[]
}

export interface SourceRules {
  readonly roots: readonly string[]
  readonly egressAllow: readonly string[]
}

/** Whether a source is meant as a URL; anything else is a path. */
export function isUrl(source: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(source)
}

/** Checks a URL that a caller gave as source. @throws {PermanentFailure} when it may not be fetched. */
export async function remoteSource(source: string, egressAllow: readonly string[]): Promise<RemoteSource> {
  const url = URL.parse(source)
  if (url?.protocol !== 'https:')
    throw new PermanentFailure('The source must be an https: URL or a path below one of the roots.', 'SOURCE_REFUSED')
  if (url.username || url.password)
    throw new PermanentFailure(
      'The source must not contain credentials: they would be stored with the task.',
      'SOURCE_REFUSED',
    )
  // Loaded for remote sources only: whatever a task's process loads delays each of its starts.
  const { publicAddresses } = await import('./egress.ts')
  const addresses = await publicAddresses(url.hostname, egressAllow)
  return { location: url.href, settings: ['protocol.https.allow=always', pinned(url, addresses)] }
}

/** Git connects to what was checked, even when the name means something else a moment later (CURLOPT_RESOLVE). */
function pinned(url: URL, addresses: readonly string[]): string {
  const list = addresses.map((address) => (address.includes(':') ? `[${address}]` : address))
  return `http.curloptResolve=${url.hostname}:${url.port || '443'}:${list.join(',')}`
}
