import { z } from 'zod'
import type { TaskContext } from '#domain/tasks/task-type.ts'
import { compositeKey } from '#lib/composite-key.ts'

/** What Salesforce task types are created with, in the server and in the process of each attempt. */
export interface SalesforceTypeOptions {
  /** Networks (CIDR) that may be reached although they are private. */
  readonly egressAllow: readonly string[]
  /** Hosts that count as Salesforce's beside its own. */
  readonly salesforceHosts: readonly string[]
  readonly repositories: RepositoryArchives
}

/** A directory of a git repository. */
interface RepositoryDirectory {
  /** An https: URL, or a path below one of the roots. */
  readonly source: string
  readonly ref?: string | undefined
  readonly directory: string
}

/** Makes zip files of directories of git repositories. */
export interface RepositoryArchives {
  /** To be called in the type's `prepare`. */
  prepare(context: TaskContext, directory: RepositoryDirectory): Promise<void>
  /** Writes the zip file; returns the commit. At most `maxBytes`. @throws {PermanentFailure} */
  write(context: TaskContext, directory: RepositoryDirectory, to: { path: string; maxBytes: number }): Promise<string>
}

export const orgField = z
  .string()
  .min(1)
  .max(200)
  .optional()
  .describe('The org, by username or id; the default org when absent.')

export const repositoryField = z
  .strictObject({
    source: z
      .string()
      .min(1)
      .max(2_000)
      .describe('An https: URL without credentials, or a path below one of the roots, relative to the first: "."'),
    ref: z
      .string()
      .min(1)
      .max(1_000)
      .optional()
      .describe('A branch, a tag, or a full commit id; the branch at HEAD when absent.'),
    directory: z
      .string()
      .max(1_000)
      .regex(/^(?!\/)(?!.*(?:^|\/)\.\.(?:\/|$))[^\0\\:]*$/, 'must be a path within the repository')
      .default('')
      .describe('A directory of it; the whole when absent.'),
  })
  .describe('A directory of a git repository.')

const tasksOfOneOrg = 10

/** Salesforce allows few long-running requests at once: tasks of one org wait for each other, by the name it is given. */
export const orgConcurrency = {
  limit: tasksOfOneOrg,
  key: ({ org }: { readonly org?: string | undefined }) => compositeKey('salesforce', org?.toLowerCase() ?? ''),
} as const

/** How attempts end that Salesforce's passing faults have hit. */
export const passingFaultRetry = { maxAttempts: 3, backoff: 'exponential', delayMs: 2_000 } as const

/** The server's variables that attempts need to verify certificates that only this installation trusts. */
export const certificateEnv = ['NODE_EXTRA_CA_CERTS'] as const
