import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { PermanentFailure, type TaskContext } from '#domain/tasks/task-type.ts'
import { fetchRepository } from './fetch.ts'
import { createGit, repositoryIn } from './git.ts'
import { copyLocalRepository, explainMissingObjects, openLocalRepository } from './local.ts'
import { commitOf } from './refs.ts'
import { isUrl, remoteSource, type SourceRules } from './source.ts'

/** A directory of a git repository. */
interface RepositoryDirectory {
  /** An https: URL, or a path below one of the roots. */
  readonly source: string
  readonly ref?: string | undefined
  /** Empty: the whole repository. */
  readonly directory: string
}

/** Copies a local repository into the workspace, with the server's rights, and loads what a remote one needs. */
export async function prepareArchive(
  { roots }: SourceRules,
  context: TaskContext,
  { source }: RepositoryDirectory,
): Promise<void> {
  if (isUrl(source)) await import('./egress.ts')
  else await copyLocalRepository(source, roots, repositoryIn(context.workspace), () => undefined)
}

/**
 * Writes what a directory of a repository holds as a zip file of at most `maxBytes`; returns the commit.
 * @throws {PermanentFailure} when there is no such repository, ref or directory, or it is larger
 */
export async function writeArchive(
  { egressAllow }: SourceRules,
  context: TaskContext,
  { source, ref, directory }: RepositoryDirectory,
  { path, maxBytes }: { path: string; maxBytes: number },
): Promise<string> {
  const git = await createGit(context.workspace)
  const isLocal = !isUrl(source)
  const found = isLocal
    ? await openLocalRepository(git, ref)
    : await fetchRepository(git, await remoteSource(source, egressAllow), ref, context)
  const commit = await commitOf(git, found.name)
  const tree = `${commit}:${directory.replace(/\/+$/, '')}`
  if ((await git.find(['cat-file', '-t', tree])) !== 'tree')
    throw new PermanentFailure(`The commit ${commit} has no directory "${directory}".`, 'DIRECTORY_NOT_FOUND')
  const archive = git.start(['archive', '--format=zip', tree])
  archive.stdin.end()
  const written = pipeline(archive.stdout, atMost(maxBytes), createWriteStream(path))
  const writing = Promise.all([written, archive.done])
  await (isLocal ? writing.catch(explainMissingObjects(git)) : writing)
  return commit
}

function atMost(maxBytes: number) {
  return async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let bytes = 0
    for await (const chunk of chunks) {
      bytes += chunk.length
      if (bytes > maxBytes)
        throw new PermanentFailure(`The directory is larger than ${maxBytes} bytes, compressed.`, 'DIRECTORY_TOO_LARGE')
      yield chunk
    }
  }
}
