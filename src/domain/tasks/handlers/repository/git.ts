import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { readLines } from '#domain/tasks/runner/line-splitter.ts'
import { inheritedEnvironment } from '#domain/tasks/runner/run-marker.ts'
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
  /** Hears each line on standard error; carriage returns end lines too, so that progress is heard. */
  readonly onMessage?: (line: string) => void
}

/** Runs git so that neither the machine's configuration nor the repository's decides what happens. */
export interface Git {
  start(args: readonly string[], options?: GitOptions): GitProcess
  /** Everything that it prints, at most one megabyte. @throws {TaskFailure} when it exits with anything but 0. */
  text(args: readonly string[], options?: GitOptions): Promise<string>
}

/** Nothing of the source is executed, asked for, or fetched beyond what is named. */
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

const longestText = 1024 * 1024
const keptMessages = 10

/** Git whose home is the given directory. */
export async function createGit(home: string): Promise<Git> {
  const configFile = join(home, '.gitconfig')
  // In a file, since git doesn't hand `-c` on to the process that reads a local source. The server may run as another
  // user than the owner of a repository; that it may be read is decided by the roots.
  await writeFile(configFile, '[safe]\n\tdirectory = *\n')
  const env = {
    ...inheritedEnvironment(),
    HOME: home,
    LANG: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: configFile,
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_DISCOVERY_ACROSS_FILESYSTEM: '0',
  }

  function start(args: readonly string[], options: GitOptions = {}): GitProcess {
    const given = [...settings, ...(options.settings ?? [])].flatMap((setting) => ['-c', setting])
    const child = spawn('git', ['--no-pager', ...given, ...args], {
      cwd: home,
      env: { ...env, ...ceiling(args) },
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

  return { start, text }
}

/** A source inside somebody's repository is not that repository. */
function ceiling([flag, directory]: readonly string[]): Record<string, string> {
  return flag === '-C' && directory ? { GIT_CEILING_DIRECTORIES: join(directory, '..') } : {}
}

async function allText(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream) {
    bytes += (chunk as Buffer).length
    if (bytes > longestText) throw new PermanentFailure('The repository has more refs than can be read.', 'GIT_FAILED')
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
  // Whoever doesn't come to await it has failed before, for a reason of its own.
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

function gitFailure(args: readonly string[], how: string | number | null, messages: readonly string[]): TaskFailure {
  const fatal = messages.filter((message) => /^(fatal|error): /.test(message))
  const said = (fatal.length > 0 ? fatal : messages).join(' ')
  const name = args.find((arg, index) => !arg.startsWith('-') && args[index - 1] !== '-C' && !arg.startsWith('/'))
  return new TaskFailure(`git ${name} ended with ${how}: ${said}`, 'GIT_FAILED')
}
