import { execFile } from 'node:child_process'
import { appendFile, cp, mkdtemp, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { currentBundle, packageDirectory } from '#src/bundle/find-bundle.js'

/** In the sources of the command line, so that `--version` loads it. */
const source = 'src/cli/text.ts'

let directory: string
let bundle: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'signalbox-bundle-'))
  for (const name of ['src', 'schema', 'package.json', 'dist/current', `dist/${currentBundle()}`])
    await cp(join(packageDirectory, name), join(directory, name), { recursive: true })
  await symlink(join(packageDirectory, 'node_modules'), join(directory, 'node_modules'))
  bundle = join(directory, 'dist', currentBundle())
  await appendFile(join(bundle, 'main.js'), "\nprocess.stderr.write('bundled')\n")
})
afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

/** What `signalbox --version` of the copy runs. */
async function whatRuns(): Promise<'bundle' | 'sources'> {
  const program = join(directory, 'src/signalbox.js')
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, '--version'])
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  return stderr.trim() === 'bundled' ? 'bundle' : 'sources'
}

it('runs the bundle, also in a copy, as long as the sources are what it was built from', async () => {
  expect(await whatRuns()).toBe('bundle')
  const text = await readFile(join(directory, source), 'utf8')
  await appendFile(join(directory, source), '// changed\n')
  expect(await whatRuns()).toBe('sources')
  await writeFile(join(directory, source), text)
  expect(await whatRuns()).toBe('bundle')
}, 60_000)

it('runs the sources when one has changed but not its size and time', async () => {
  const file = join(directory, source)
  const { atime, mtime } = await stat(file)
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace(/\/\*\* \w/, '/** _'))
  await utimes(file, atime, mtime)
  expect(await whatRuns()).toBe('sources')
}, 60_000)

it('runs the sources when one is gone', async () => {
  await rm(join(directory, 'src/transport/pages/graphiql-files.ts'))
  expect(await whatRuns()).toBe('sources')
}, 60_000)

it('runs the sources when the packages have changed', async () => {
  const file = join(directory, 'package.json')
  await writeFile(file, (await readFile(file, 'utf8')).replace('"zod": "', '"zod": "^'))
  expect(await whatRuns()).toBe('sources')
}, 60_000)

it.each([
  ['missing', undefined],
  ['cut off', '{"src/'],
])(
  'runs the sources when the list of the bundle’s sources is %s',
  async (_, text) => {
    const file = join(bundle, 'bundle.json')
    await rm(file)
    if (text !== undefined) await writeFile(file, text)
    expect(await whatRuns()).toBe('sources')
  },
  60_000,
)
