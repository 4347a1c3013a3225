import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { records, run, start } from '#test/support/command-line.ts'
import { get, put } from '#test/support/documents.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'

let server: TestServer
let env: Record<string, string>
let directory: string
beforeAll(async () => {
  server = await startTestServer({ env: { ROLES: 'api' } })
  env = { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token, TMPDIR: tmpdir() }
  directory = await mkdtemp(join(tmpdir(), 'signalbox-doc-test-'))
})
afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
  await server.close()
})

const doc = (...args: readonly string[]) => run(['doc', ...args], { env })

/** An editor that does this to the file, as a shell script whose first argument it is. */
async function editor(name: string, script: string): Promise<string> {
  const file = join(directory, name)
  await writeFile(file, `#!/bin/sh\n${script}\n`)
  await chmod(file, 0o755)
  return file
}

describe('doc', () => {
  it('writes, reads, changes, deletes and restores', async () => {
    const collection = ['-c', 'releases/prod']
    expect(await doc('put', 'web', '{"image": "web:1"}', ...collection)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('releases/prod/web was written: version 1, by owner'),
    })
    expect((await doc('patch', 'web', '{"live": true}', ...collection, '--if-version', '1')).code).toBe(0)
    expect((await doc('patch', 'web', '[{"op": "test", "path": "/image", "value": "x"}]', ...collection)).code).toBe(5)
    const { stdout } = await doc('get', 'web', ...collection)
    expect(JSON.parse(stdout)).toEqual({ image: 'web:1', live: true })
    expect(JSON.parse((await doc('get', 'web', ...collection, '--at-version', '1', '--json')).stdout)).toMatchObject({
      version: 1,
      data: { image: 'web:1' },
    })
    expect((await doc('delete', 'web', ...collection)).code).toBe(0)
    expect((await doc('get', 'web', ...collection)).code).toBe(4)
    expect((await doc('restore', 'web', '1', ...collection)).code).toBe(0)
    const history = await doc('history', 'web', ...collection)
    expect(history.stdout).toMatch(/^VERSION +AT +BY +SIZE +STATE\n4 .*\n3 .* deleted\n2 .*\n1 /)
    expect((await doc('put', 'web', '1', ...collection, '--if-version', '1')).code).toBe(5)
    expect((await doc('put', 'web', '{', ...collection)).code).toBe(2)
  })

  it('lists documents and collections', async () => {
    await put(server, 'a', { n: 1 }, { collection: 'listed/x' })
    await put(server, 'b', { n: 2 }, { collection: 'listed/y' })
    expect((await doc('list', 'listed/*')).stdout).toMatch(/^COLLECTION +KEY .*\nlisted\/x +a .*\nlisted\/y +b /)
    const filtered = await doc('list', 'listed/*', '--where', '{"path": "n", "gt": 1}', '--json')
    expect(JSON.parse(filtered.stdout)).toMatchObject({ nodes: [{ key: 'b' }] })
    expect((await doc('collections', 'listed')).stdout).toMatch(/^PATH +DOCUMENTS\nlisted\/x +1\nlisted\/y +1\n/)
  })

  it('shows what is different between versions', async () => {
    await put(server, 'compared', { a: 1, b: 2 })
    await put(server, 'compared', { a: 1, b: 3 })
    const { stdout } = await doc('diff', 'compared')
    expect(stdout).toContain('--- version 1\n+++ version 2\n')
    expect(stdout).toContain('\n-  "b": 2\n+  "b": 3\n')
    expect((await doc('diff', 'compared', '2', '2')).stderr).toBe('Nothing is different.\n')
  })

  it('exports documents as lines, which can be imported', async () => {
    for (let index = 0; index < 450; index += 1)
      if (index % 90 === 0) await put(server, `k${index}`, { index }, { collection: 'out/a' })
    const lines = Array.from({ length: 450 }, (_, index) => JSON.stringify({ key: `i${index}`, data: { index } }))
    const imported = await run(['doc', 'import', '-c', 'in'], { env, input: `${lines.join('\n')}\n\n` })
    expect(imported).toMatchObject({ code: 0, stdout: '450 documents were written.\n' })
    const exported = await doc('export', 'in')
    expect(records(exported.stdout)).toHaveLength(450)
    const file = join(directory, 'out.ndjson')
    await writeFile(file, exported.stdout)
    expect((await doc('import', file, '-c', 'copy/of')).code).toBe(0)
    expect(await get(server, 'i449', { collection: 'copy/of' })).toMatchObject({ data: { index: 449 } })
    const again = await doc('import', file, '-c', 'copy/of', '--if-missing')
    expect(again.code).toBe(5)
    expect(again.stderr).toContain('The lines before line 1 were written: 0 documents.')
    expect((await run(['doc', 'import'], { env, input: '{"key": 1}' })).stderr).toContain('Line 1 is not a document')
    const deep = `{"key":"a","data":1}\n{"key":"b","data":${'['.repeat(10_000)}${']'.repeat(10_000)}}`
    const refused = await run(['doc', 'import', '-c', 'in'], { env, input: deep })
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Line 2 is nested more than 200 levels deep.'),
    })
  })

  it('imports what it exported where texts hold line separators of Unicode', async () => {
    const text = 'one\u2028two\u2029three\u0085four\u000bfive\r\n'
    await put(server, 'separated', { [text]: text }, { collection: 'separated' })
    const { stdout } = await doc('export', 'separated')
    const imported = await run(['doc', 'import', '-c', 'joined'], {
      env,
      input: `\ufeff${stdout.replaceAll('\n', '\r\n')}`,
    })
    expect(imported).toMatchObject({ code: 0, stdout: '1 documents were written.\n' })
    expect(await get(server, 'separated', { collection: 'joined' })).toMatchObject({ data: { [text]: text } })
  })

  it('watches: what is there, then what happens', async () => {
    await put(server, 'there', 1, { collection: 'watched' })
    const watching = start(['doc', 'watch', 'watched', '--json'], { env })
    await watching.says('CAUGHT_UP')
    await put(server, 'there', 2, { collection: 'watched' })
    await watching.says('UPDATE')
    watching.child.kill('SIGINT')
    expect(await watching.ended).toBe(130)
    expect(records(watching.stdout())).toMatchObject([
      { kind: 'ENTER', key: 'there', document: { version: 1 } },
      { kind: 'CAUGHT_UP' },
      { kind: 'UPDATE', document: { version: 2, data: 2 }, previous: { data: 1 } },
    ])
  })
})

describe('doc edit', () => {
  const edit = (key: string, EDITOR: string) => run(['doc', 'edit', key], { env: { ...env, EDITOR } })

  it('writes back what the editor leaves, and shows what is different', async () => {
    await put(server, 'edited', { a: 1 })
    const { code, stdout } = await edit('edited', await editor('change', `sed -i 's/1/2/' "$1"`))
    expect([code, stdout]).toEqual([0, expect.stringContaining('-  "a": 1\n+  "a": 2\n')])
    expect(await get(server, 'edited')).toMatchObject({ version: 2, data: { a: 2 } })
    expect((await edit('edited', 'true')).stderr).toBe('Nothing was changed.\n')
    expect((await edit('made', await editor('make', `echo '"new"' > "$1"`))).code).toBe(0)
    expect(await get(server, 'made')).toMatchObject({ version: 1, data: 'new' })
  })

  it('refuses when somebody has written meanwhile, and keeps the text', async () => {
    await put(server, 'contested', { a: 1 })
    const meanwhile = `sed -i 's/1/2/' "$1"; ${process.execPath} ${join(import.meta.dirname, '../../src/signalbox.js')} doc put contested '{"a": 3}'`
    const { code, stderr } = await edit('contested', await editor('contest', meanwhile))
    expect(code).toBe(5)
    expect(stderr).toContain('is at version 2, by owner')
    const [, file = ''] = /what you wrote is in (\S+)\./.exec(stderr) ?? []
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ a: 2 })
    expect(await get(server, 'contested')).toMatchObject({ version: 2, data: { a: 3 } })
    expect((await doc('put', 'contested', '--file', file)).code).toBe(0)
    expect(await get(server, 'contested')).toMatchObject({ version: 3, data: { a: 2 } })
  })

  it('keeps what is not JSON, and what an editor that fails has left', async () => {
    await put(server, 'broken', { a: 1 })
    for (const [name, script, code] of [
      ['text', `echo '{"a": ' > "$1"`, 2],
      ['failing', `echo '{"a": 2}' > "$1"; exit 3`, 1],
    ] as const) {
      const told = await edit('broken', await editor(name, script))
      expect(told.code).toBe(code)
      const [, file = ''] = /what you wrote is in (\S+)\./.exec(told.stderr) ?? []
      expect(await readFile(file, 'utf8')).toContain('{"a":')
    }
    expect(await get(server, 'broken')).toMatchObject({ version: 1 })
  })
})
