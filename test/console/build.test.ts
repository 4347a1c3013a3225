import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildConsole } from '#src/bundle/build-console.ts'
import { consoleViews } from '#transport/pages/console/console-paths.ts'

let root: string
let consoleDirectory: string
let files: ReadonlyMap<string, string>
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'signalbox-console-'))
  consoleDirectory = join(root, 'console')
  await buildConsole(consoleDirectory)
  const names = await readdir(join(consoleDirectory, 'assets'))
  files = new Map(
    await Promise.all(
      names.map(async (name) => [name, await readFile(join(consoleDirectory, 'assets', name), 'utf8')] as const),
    ),
  )
})
afterAll(() => rm(root, { recursive: true, force: true }))

it('names no address but its own, the names of XML, and those in texts of React', () => {
  const addresses = [...files.values()].flatMap((text) => text.match(/https?:\/\/[^\s"'`)\\]+/g) ?? [])
  const foreign = addresses.filter((address) => !/^https?:\/\/(www\.w3\.org|react\.dev)\//.test(address))
  expect([...new Set(foreign)].filter((address) => !/^http:\/\/(127\.0\.0\.1|localhost)/.test(address))).toEqual([])
})

it('loads at most 200 kB, compressed, for its first page', async () => {
  const html = await readFile(join(consoleDirectory, 'index.html'), 'utf8')
  const first = [...html.matchAll(/\.\/assets\/([^"]+)/g)].map(([, name = '']) => name)
  const view = [...files.keys()].filter((name) => /^(overview|client|task-table|copy)-/.test(name))
  const sizes = [...first, ...view].map((name) => gzipSync(files.get(name) ?? '').length)
  expect(sizes.length).toBeGreaterThan(2)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(200_000)
})

it('has a path of the server for each of its views', async () => {
  const source = await readFile(join(import.meta.dirname, '../../src/console/views.ts'), 'utf8')
  const names = [...source.matchAll(/^ {2}view\('([^']+)'/gm)].map(([, name]) => name)
  expect([...names, 'sign-in']).toEqual([...consoleViews])
})
