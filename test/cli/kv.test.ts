import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { records, run, start } from '#test/support/command-line.ts'
import { entriesOf } from '#test/support/entries.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
let directory: string
let env: Record<string, string>
beforeAll(async () => {
  server = await sharedServer()
  directory = await mkdtemp(join(tmpdir(), 'signalbox-kv-'))
  env = { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token, TMPDIR: directory }
})
afterAll(async () => {
  await server.close()
  await rm(directory, { recursive: true, force: true })
})

const signalbox = (...args: readonly string[]) => run(args, { env })
const value = async (key: string) => (await entriesOf(server).get(key))?.value

describe('kv', () => {
  it('keeps, shows, counts and deletes', async () => {
    expect(await signalbox('kv', 'set', 'flags/a', '{"on": true}')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'flags/a is now at version 1.\n',
    })
    expect(await signalbox('kv', 'get', 'flags/a')).toMatchObject({ code: 0, stdout: '{\n  "on": true\n}\n' })
    await signalbox('kv', 'set', 'flags/b', 'a text', '--ttl', '1h')
    expect((await signalbox('kv', 'get', 'flags/b', '--raw')).stdout).toBe('a text\n')
    await signalbox('kv', 'set', 'flags/c', '42', '--text')
    expect(await value('flags/c')).toBe('42')
    const list = (await signalbox('kv', 'list', 'flags/')).stdout
    expect(list).toMatch(
      /^KEY +VERSION +CHANGED +ENDS IN +VALUE\nflags\/a +1 .*\{"on":true\}\nflags\/b .* (59 min|1 h 0 min) .*\nflags\/c/,
    )
    expect((await signalbox('kv', 'increment', 'count', '--by', '3')).stdout).toBe('3\n')
    expect((await signalbox('kv', 'increment', 'count', '--max', '3')).code).toBe(5)
    expect((await signalbox('kv', 'delete', 'count')).code).toBe(0)
    expect((await signalbox('kv', 'get', 'count')).code).toBe(4)
  })

  it('says no when the entry is not as it was said to be', async () => {
    await signalbox('kv', 'set', 'careful', '1')
    for (const args of [['--new'], ['--if-version', '2'], ['--fence', 'nothing=1']]) {
      const { code, stderr } = await signalbox('kv', 'set', 'careful', '2', ...args)
      expect([args, code, stderr.length > 0]).toEqual([args, 5, true])
    }
    expect((await signalbox('kv', 'set', 'a//b', '1')).code).toBe(2)
    expect((await signalbox('kv', 'set', 'none')).code).toBe(2)
    expect(await value('careful')).toBe(1)
  })

  it('shows what each version changed', async () => {
    await signalbox('kv', 'set', 'past', '{"a": 1, "b": 2}')
    await signalbox('kv', 'set', 'past', '{"a": 1, "b": 3}')
    const { stdout } = await signalbox('kv', 'history', 'past')
    expect(stdout).toMatch(
      /^version 2 .* owner\n {3}\{\n {5}"a": 1,\n {2}- {2}"b": 2\n {2}\+ {2}"b": 3\n {3}\}\nversion 1 /,
    )
    const { nodes } = JSON.parse((await signalbox('kv', 'history', 'past', '--json', '--first', '1')).stdout)
    expect(nodes).toMatchObject([{ version: 2, value: { b: 3 } }])
  })

  it('watches, showing differences, and resumes after a cursor', async () => {
    await signalbox('kv', 'set', 'watched/a', '1')
    const watching = start(['kv', 'watch', 'watched/'], { env })
    await watching.says('watched/a')
    await signalbox('kv', 'set', 'watched/a', '2')
    await watching.says('+2')
    expect(watching.stdout()).toContain('-1')
    await signalbox('kv', 'delete', 'watched/a')
    await watching.says('deleted')
    watching.child.kill('SIGINT')
    expect(await watching.ended).toBe(130)

    const json = start(['kv', 'watch', 'watched/', '--json'], { env })
    await json.says('SYNCED')
    json.child.kill('SIGINT')
    await json.ended
    const [synced] = records<{ cursor: string }>(json.stdout())
    await signalbox('kv', 'set', 'watched/b', '1')
    const later = start(['kv', 'watch', 'watched/', '--json', '--after', synced?.cursor ?? ''], { env })
    await later.says('watched/b')
    later.child.kill('SIGINT')
    await later.ended
    expect(records(later.stdout())).toMatchObject([{ kind: 'SET', key: 'watched/b', value: 1 }])
  })
})

describe('kv edit', () => {
  /** An editor that runs this shell command on the file. */
  async function editor(script: string): Promise<Record<string, string>> {
    const path = join(directory, `editor-${Math.random()}`)
    await writeFile(path, `#!/bin/sh\n${script}\n`)
    await chmod(path, 0o755)
    return { ...env, EDITOR: path }
  }

  const draftIn = (text: string) => /what you wrote is in (\S+)\./.exec(text)?.[1] ?? 'none'

  it('keeps what the editor has made of it, and shows what is different', async () => {
    await signalbox('kv', 'set', 'edited', '{"a": 1, "b": 2}')
    const { code, stdout } = await run(['kv', 'edit', 'edited'], { env: await editor('sed -i s/1/7/ "$1"') })
    expect([code, stdout]).toEqual([0, ' {\n-  "a": 1,\n+  "a": 7,\n   "b": 2\n }\n'])
    expect(await value('edited')).toEqual({ a: 7, b: 2 })
    const same = await run(['kv', 'edit', 'edited'], { env: await editor('true') })
    expect(same).toMatchObject({ code: 0, stdout: '', stderr: 'Nothing was changed.\n' })
    const made = await run(['kv', 'edit', 'new'], { env: await editor('echo [1] > "$1"') })
    expect([made.code, await value('new')]).toEqual([0, [1]])
  })

  it('overwrites nobody, and loses nothing of what was written', async () => {
    await signalbox('kv', 'set', 'contested', '{"a": 1}')
    const gate = join(directory, 'gate')
    const waiting = await editor(
      `echo '{"a": "mine"}' > "$1"; touch ${gate}.open; while [ ! -e ${gate} ]; do sleep 0.05; done`,
    )
    const editing = start(['kv', 'edit', 'contested'], { env: waiting })
    await until(() =>
      readFile(`${gate}.open`).then(
        () => true,
        () => false,
      ),
    )
    await signalbox('kv', 'set', 'contested', '{"a": "theirs"}')
    await writeFile(gate, '')
    expect(await editing.ended).toBe(5)
    expect(await value('contested')).toEqual({ a: 'theirs' })
    expect(editing.stderr()).toContain('+  "a": "theirs"')
    expect(JSON.parse(await readFile(draftIn(editing.stderr()), 'utf8'))).toEqual({ a: 'mine' })
  })

  it('keeps a text that is no JSON for another try', async () => {
    const { code, stderr } = await run(['kv', 'edit', 'edited'], { env: await editor('echo "{broken" > "$1"') })
    expect(code).toBe(2)
    expect(await readFile(draftIn(stderr), 'utf8')).toBe('{broken\n')
    const failed = await run(['kv', 'edit', 'edited'], { env: await editor('exit 3') })
    expect(failed.code).toBe(1)
  })
})
