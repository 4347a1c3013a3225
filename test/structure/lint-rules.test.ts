import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
let project: string

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'signalbox-lint-'))
  await cp(join(root, '.config'), join(project, '.config'), { recursive: true })
  await cp(join(root, '.biome.json'), join(project, '.biome.json'))
})
afterAll(() => rm(project, { recursive: true, force: true }))

/** What the linter says of one file of the project, as the numbers of lines with the messages. */
async function lint(path: string, lines: readonly string[]): Promise<string[]> {
  const file = join(project, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${lines.join('\n')}\n`)
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
  const args = [biome, 'lint', '--vcs-enabled=false', '--reporter=github', path]
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, args, { cwd: project }, (_error, stdout) => resolve(stdout))
  })
  return [...output.matchAll(/^::error title=(plugin|lint\/style\/noRestrictedImports),.*line=(\d+),.*?::(.*)$/gm)].map(
    ([, , line, message]) => `${line}: ${message}`,
  )
}

it('a domain may import the type of another domain’s service, and nothing else of it', async () => {
  const found = await lint('src/domain/tasks/example.ts', [
    "import type { Caller } from '#domain/access/caller.ts'",
    "import type { LockService } from '#domain/locks/service.ts'",
    "import { anything } from '#domain/tasks/handlers/probe.ts'",
    "import type { HookConfig } from '#domain/hooks/hook.ts'",
    "import { createLockService } from '#domain/locks/service.ts'",
    'export type Example = [Caller, LockService, HookConfig, typeof anything, typeof createLockService]',
  ])
  expect(found).toEqual([
    expect.stringMatching(/^4: A domain uses only the service of another domain .*src\/app pass it in\.$/),
    expect.stringMatching(/^5: A domain uses only the type of another domain's service: write `import type`/),
  ])
})

it.each(['schema/tasks/example.ts', 'src/transport/example.ts', 'src/app/example.ts'])(
  '%s may import no store',
  async (path) => {
    const found = await lint(path, [
      "import type { A } from '#domain/tasks/store/tasks.ts'",
      "import type { B } from '#domain/locks/store.ts'",
      "import type { C } from '#domain/access/sign-in/device-store.ts'",
      "import type { D } from '#domain/tasks/service.ts'",
      'export type Example = [A, B, C, D]',
    ])
    expect(found.map((one) => one.slice(0, 3))).toEqual(['1: ', '2: ', '3: '])
  },
)
