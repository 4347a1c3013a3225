import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { readLines } from '#domain/tasks/runner/line-splitter.ts'
import { PermanentFailure, TaskFailure } from '#domain/tasks/task-type.ts'

/** A running git: what it prints, and `done`, which rejects unless it ends well. */
interface GitProcess {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly done: Promise<void>
}

interface GitOptions {
  /** Settings for this call only, as `name=value`. */
  readonly settings?: readonly string[]
  /** Called with each line of standard error; a carriage return ends a line too, as in progress reports. */
  readonly onMessage?: (line: string) => void
}

/**
 * Runs git on one repository, with the configuration given here and that repository's own: none of the machine, of the
 * server's user, or of a repository that the workspace happens to lie in.
 */
export interface Git {
  /** The repository that every call works on. */
  readonly directory: string
  start(args: readonly string[], options?: GitOptions): GitProcess
  /** Everything that it prints, at most one megabyte. @throws {TaskFailure} when it exits with anything but 0. */
  text(args: readonly string[], options?: GitOptions): Promise<string>
  /** As {@link Git.text}; undefined when it exits with anything but 0. */
  find(args: readonly string[]): Promise<string | undefined>
}

/** Nothing is executed, no credential is looked up, and nothing is fetched except what a call names. */
const settings = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'credential.helper=',
  'fetch.recurseSubmodules=false',
  'gc.auto=0',
  'http.followRedirects=false',
  'http.proxy=',
  'log.showSignature=false',
  'maintenance.auto=false',
  'protocol.allow=never',
]

const maxTextLength = 1024 * 1024
const keptMessages = 10

/** Where a workspace has the repository that git works on. */
export function repositoryIn(workspace: string): string {
  return join(workspace, 'repository.git')
}

/** Git for a workspace's repository, which may not exist yet. */
export async function createGit(workspace: string): Promise<Git> {
  const configFile = join(workspace, '.gitconfig')
  const directory = repositoryIn(workspace)
  // What a call starts in its turn reads this file, but not what `-c` says.
  await writeFile(configFile, '[protocol]\n\tallow = never\n[core]\n\thooksPath = /dev/null\n')
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: workspace,
    XDG_CONFIG_HOME: workspace,
    LANG: 'C',
    // Both keep git from looking for a repository around the workspace, whose configuration it would obey.
    GIT_DIR: directory,
    GIT_CEILING_DIRECTORIES: dirname(workspace),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_CONFIG_GLOBAL: configFile,
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    SSH_ASKPASS: '',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_OPTIONAL_LOCKS: '0',
  }

  function start(args: readonly string[], options: GitOptions = {}): GitProcess {
    const given = [...settings, ...(options.settings ?? [])].flatMap((setting) => ['-c', setting])
    const child = spawn('git', ['--no-pager', ...given, ...args], {
      cwd: workspace,
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    // Git may end before it has read everything; `done` then says why.
    child.stdin.on('error', () => undefined)
    return { stdin: child.stdin, stdout: child.stdout, done: ended(child, args, options.onMessage) }
  }

  async function text(args: readonly string[], options?: GitOptions): Promise<string> {
    const git = start(args, options)
    git.stdin.end()
    const [printed] = await Promise.all([allText(git.stdout), git.done])
    return printed
  }

  async function find(args: readonly string[]): Promise<string | undefined> {
    try {
      return (await text(args)).trim()
    } catch (error) {
      if (error instanceof TaskFailure && error.code === 'GIT_FAILED' && error.retryable) return undefined
      throw error
    }
  }

  return { directory, start, text, find }
}

async function allText(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream) {
    bytes += (chunk as Buffer).length
    if (bytes > maxTextLength)
      throw new PermanentFailure('The repository has more refs than can be read.', 'GIT_FAILED')
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}

type GitChild = ChildProcessByStdio<Writable, Readable, Readable>

function ended(child: GitChild, args: readonly string[], onMessage?: (line: string) => void): Promise<void> {
  const messages: string[] = []
  const line = (text: string) => {
    onMessage?.(text)
    if (text.trim()) messages.push(text)
    if (messages.length > keptMessages) messages.shift()
  }
  const done = Promise.all([
    exitOf(child),
    readLines(child.stderr, { line }, { maxBytes: 1_000, returnsEndLines: true }),
  ]).then(([[code, signal]]) => {
    if (code !== 0) throw gitFailure(args, signal ?? code, messages)
  })
  // A caller that never awaits it has already failed for a reason of its own.
  done.catch(() => undefined)
  return done
}

async function exitOf(child: GitChild): Promise<[number | null, NodeJS.Signals | null]> {
  try {
    const [code, signal] = await once(child, 'exit')
    return [code, signal]
  } catch (cause) {
    throw new PermanentFailure("Git is not installed on the worker's machine.", 'GIT_MISSING', { cause })
  }
}

function gitFailure(
  [command]: readonly string[],
  how: string | number | null,
  messages: readonly string[],
): TaskFailure {
  const fatal = messages.filter((message) => /^(fatal|error): /.test(message))
  const said = (fatal.length > 0 ? fatal : messages).join(' ')
  return new TaskFailure(`git ${command} ended with ${how}: ${said}`, 'GIT_FAILED')
}
