import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { extname, resolve, sep } from 'node:path'
import { PermanentFailure } from '#domain/tasks/task-type.ts'

export interface WorkspaceFile {
  readonly content: AsyncIterable<Uint8Array>
  readonly contentType: string
}

const contentTypes: Readonly<Record<string, string>> = {
  '.json': 'application/json',
  '.sarif': 'application/sarif+json',
  '.ndjson': 'application/x-ndjson',
  '.xml': 'application/xml',
  '.yaml': 'application/yaml',
  '.yml': 'application/yaml',
  '.txt': 'text/plain; charset=utf-8',
  '.log': 'text/plain; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.pdf': 'application/pdf',
  '.zip': 'application/zip',
  '.gz': 'application/gzip',
  '.tgz': 'application/gzip',
  '.tar': 'application/x-tar',
}

/** Opens a file that a program names as a part. @throws {PermanentFailure} when it isn't a file inside the workspace. */
export async function openWorkspaceFile(workspace: string, path: string): Promise<WorkspaceFile> {
  const base = await realpath(workspace)
  const real = await realpath(resolve(base, path)).catch((cause: unknown) => {
    throw new PermanentFailure(`The part's file "${path}" does not exist.`, 'PART_REFUSED', { cause })
  })
  if (!real.startsWith(base + sep))
    throw new PermanentFailure(`The part's file "${path}" lies outside the workspace.`, 'PART_REFUSED')
  // Without O_NONBLOCK a pipe among the files would hold the task until somebody writes to it.
  const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  if (!(await file.stat()).isFile()) {
    await file.close()
    throw new PermanentFailure(`The part's file "${path}" is not a file.`, 'PART_REFUSED')
  }
  const contentType = contentTypes[extname(real).toLowerCase()] ?? 'application/octet-stream'
  return { content: file.createReadStream({ highWaterMark: 256 * 1024 }), contentType }
}
