import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { listTopics } from '#docs/topics.ts'
import { freePort } from '#platform/system/free-port.ts'
import { mainFile } from '#test/support/process.ts'
import { secretKey, startTestServer, type TestServer } from '#test/support/server.ts'
import { ShellSession } from '#test/support/shell-session.ts'
import { topicExample } from '#test/support/topic-example.ts'
import { Bindings, blocksOf, type CommandBlock, type CommandStep } from '#test/support/transcript.ts'
import { until } from '#test/support/until.ts'
import { loopbackAllowed } from '#test/support/webhooks.ts'

const execute = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const files = ['README.md', ...listTopics().flatMap(({ topics }) => topics.map(({ name }) => `src/docs/${name}.md`))]
const pages = await Promise.all(
  files.map(async (file) => ({ file, blocks: blocksOf(file, await readFile(join(root, file), 'utf8')) })),
)

const hookSecret = 'a secret of more than 16 characters'

/** The configuration of the page about tasks, with the reader's directory as a root of repositories. */
function taskExample(): string {
  return topicExample('tasks', 'service.await').replace('defineConfig({\n', "defineConfig({\n  roots: ['.'],\n")
}

/** A repository with the commits that the pages show. */
async function createRepository(directory: string): Promise<void> {
  const git = (...args: string[]) => execute('git', ['-C', directory, ...args])
  await git('init', '--quiet', '--initial-branch=main')
  await git('add', 'deploy.sh')
  for (const message of ['Add the service', 'Describe the release'])
    await git(
      '-c',
      'user.name=Ada',
      '-c',
      'user.email=ada@example.com',
      'commit',
      '--quiet',
      '--allow-empty',
      '-m',
      message,
    )
}

/** Commands that run until they are stopped. */
const endless = /\bwebhook listen\b|\b(?:kv|doc) watch\b|--follow\b|\bcurl -sN\b/

/** Commands that show what the server has done in the background: they are repeated until it is there. */
const eventual = /\b(?:audit list|audit verify|webhook deliveries|token list)\b/

/** A command that is still running. */
interface Started {
  readonly command: string
  readonly read: () => Promise<string>
  /** How many characters of its output the page has shown already. */
  seen: number
}

/** A page with a server of its own, and a shell like that of a reader who followed the quickstart. */
class Reader {
  readonly #server: TestServer
  readonly #shell: ShellSession
  readonly #directory: string
  /** Where the page's receiver of webhooks listens. */
  readonly #receiver: string
  readonly #bindings = new Bindings()
  readonly #started: Started[] = []

  private constructor(server: TestServer, shell: ShellSession, directory: string, receiver: string) {
    this.#server = server
    this.#shell = shell
    this.#directory = directory
    this.#receiver = receiver
  }

  static async open(file: string): Promise<Reader> {
    const directory = await mkdtemp(join(tmpdir(), 'signalbox-reader-'))
    await chmod(directory, 0o755)
    await writeFile(join(directory, 'signalbox'), `#!/bin/sh\nexec ${process.execPath} ${mainFile} "$@"\n`, {
      mode: 0o755,
    })
    await writeFile(join(directory, 'deploy.sh'), '#!/bin/sh\necho "deploys $1"\n', { mode: 0o755 })
    const example = file.endsWith('webhooks.md') ? topicExample('webhooks', 'hooks: {') : taskExample()
    await writeFile(join(directory, 'signalbox.config.ts'), example)
    await mkdir(join(directory, 'node_modules'))
    await symlink(root, join(directory, 'node_modules/signalbox'))
    await symlink(join(root, 'node_modules/zod'), join(directory, 'node_modules/zod'))
    await createRepository(directory)
    const server = await startTestServer({
      configFile: join(directory, 'signalbox.config.ts'),
      env: { ...loopbackAllowed, GITHUB_HOOK_SECRET: hookSecret, LOG_LEVEL: 'silent' },
    })
    const env = {
      PATH: `${directory}:${process.env['PATH']}`,
      HOME: directory,
      SIGNALBOX_URL: server.url,
      SIGNALBOX_TOKEN: server.token,
      AUTH: `Authorization: Bearer ${server.token}`,
      DATABASE_URL: server.database.url,
      DATA_DIR: server.dataDir,
      SECRET_KEY: secretKey,
      GITHUB_HOOK_SECRET: hookSecret,
      TZ: 'UTC',
    }
    return new Reader(server, new ShellSession({ directory, env }), directory, `127.0.0.1:${await freePort()}`)
  }

  async close(): Promise<void> {
    await this.#shell.close()
    await this.#server.close()
    await rm(this.#directory, { recursive: true, force: true })
  }

  async run({ command, output: shown }: CommandStep, at: string): Promise<void> {
    const typed = this.#here(this.#bindings.apply(command))
    if (endless.test(command)) return this.#startAndExpect(command, typed, shown, at)
    const attempt = () => this.#shell.run(typed.startsWith('#!') ? `( ${typed}\n)` : typed)
    const first = await attempt()
    let { output } = first
    if (shown === undefined) return expect([at, command, first.exitCode, output]).toEqual([at, command, 0, output])
    const isShown = () => this.#bindings.match(shown, this.#there(output)) !== undefined
    if (eventual.test(command)) {
      await until(async () => {
        if (isShown()) return true
        output = (await attempt()).output
        return false
      }).catch(() => undefined)
    }
    if (!isShown()) this.#refuse(at, command, shown, output)
  }

  /** Waits until a command that is still running has printed what a later block shows. */
  async expectShown(shownBy: string, shown: string, at: string): Promise<void> {
    const source = this.#started.find(({ command }) => command.includes(shownBy))
    if (source === undefined) throw new Error(`${at}: no command with "${shownBy}" is running.`)
    await this.#expect(source, shown, at)
  }

  async #startAndExpect(command: string, typed: string, shown: string | undefined, at: string): Promise<void> {
    if (shown === undefined) throw new Error(`${at}: ${command} has no end, so the page must show its output.`)
    const source = { command, read: this.#shell.start(typed), seen: 0 }
    this.#started.push(source)
    await this.#expect(source, shown, at)
  }

  async #expect(source: Started, shown: string, at: string): Promise<void> {
    let output = ''
    await until(async () => {
      output = this.#there(await source.read()).slice(source.seen)
      const length = this.#bindings.match(shown, output, true)
      source.seen += length ?? 0
      return length !== undefined
    }).catch(() => this.#refuse(at, source.command, shown, output))
  }

  /** With the addresses of this run. */
  #here(text: string): string {
    return text
      .replaceAll(/(?:localhost|127\.0\.0\.1):4000/g, new URL(this.#server.url).host)
      .replaceAll('127.0.0.1:4010', this.#receiver)
      .replaceAll('webhook listen', `webhook listen --port ${new URL(`http://${this.#receiver}`).port}`)
      .replaceAll('https://example.com/hook', `http://${this.#receiver}/hook`)
  }

  /** With the addresses of the documentation, and without what only a busy machine prints. */
  #there(text: string): string {
    return text
      .replaceAll(/^waiting for a worker\n/gm, '')
      .replaceAll(new URL(this.#server.url).host, '127.0.0.1:4000')
      .replaceAll(this.#receiver, '127.0.0.1:4010')
  }

  #refuse(at: string, command: string, shown: string, output: string): never {
    throw new Error(`${at}: $ ${command}\n--- shown ---\n${shown}\n--- printed ---\n${this.#there(output)}`)
  }
}

const isRun = (block: object): boolean => !('steps' in block) || (block as CommandBlock).notRun === undefined

describe('the commands of the documentation', () => {
  it.each(pages.filter(({ blocks }) => blocks.some((block) => 'steps' in block && isRun(block))))(
    'run as $file shows them',
    async ({ file, blocks }) => {
      const reader = await Reader.open(file)
      try {
        for (const block of blocks.filter(isRun)) {
          if ('shownBy' in block) await reader.expectShown(block.shownBy, block.output, block.at)
          else for (const step of block.steps) await reader.run(step, block.at)
        }
      } finally {
        await reader.close()
      }
    },
    120_000,
  )

  it('are left out of this only with a reason', () => {
    const reasons = pages.flatMap(({ blocks }) => blocks.flatMap((block) => ('steps' in block ? [block.notRun] : [])))
    expect(reasons.filter((reason) => reason === undefined).length).toBeGreaterThan(reasons.length / 2)
    for (const reason of reasons) expect(reason === undefined || reason.length > 10).toBe(true)
  })
})
