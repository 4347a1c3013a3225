import { execFileSync, spawn } from 'node:child_process'
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer as createSecureServer } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { publicAddresses } from '#domain/tasks/handlers/repository/egress.ts'
import { fetchRepository } from '#domain/tasks/handlers/repository/fetch.ts'
import { languageTables } from '#domain/tasks/handlers/repository/generate-languages.ts'
import { createGit } from '#domain/tasks/handlers/repository/git.ts'
import { languageOf } from '#domain/tasks/handlers/repository/languages.ts'
import { Roots } from '#domain/tasks/handlers/repository/roots.ts'
import { remoteSource } from '#domain/tasks/handlers/repository/source.ts'
import type { Attempt } from '#domain/tasks/task.ts'
import type { TaskContext } from '#domain/tasks/task-type.ts'
import { newAttempt, nothingLeft, type OpenRunner, openRunner } from '#test/support/attempts.ts'
import { selfSigned } from '#test/support/certificate.ts'
import { until } from '#test/support/until.ts'

let base: string
let root: string
let open: OpenRunner
/** Runs the same in this process; what an attempt's own process adds is a matter of the other's tests. */
let inner: OpenRunner

const people = {
  ada: { GIT_AUTHOR_NAME: 'Ada', GIT_AUTHOR_EMAIL: 'ada@example.test' },
  bob: { GIT_AUTHOR_NAME: 'Bob', GIT_AUTHOR_EMAIL: 'bob@example.test' },
}

beforeAll(async () => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'signalbox-repositories-')))
  root = join(base, 'root')
  mkdirSync(root)
  makeProject(join(root, 'project'))
  makeProject(join(base, 'secret'))
  git(root, ['init', '--quiet', '--bare', 'empty'])
  mkdirSync(join(root, 'plain'))
  mkdirSync(join(root, 'project/src/deep'))
  symlinkSync(join(base, 'secret'), join(root, 'link'))
  mkdirSync(join(root, 'elsewhere'))
  writeFileSync(join(root, 'elsewhere/.git'), `gitdir: ${join(base, 'secret/.git')}\n`)
  git(root, ['clone', '--quiet', '--shared', join(base, 'secret'), 'borrower'])
  git(root, ['clone', '--quiet', '--depth', '1', `file://${join(root, 'project')}`, 'shallow'])
  const file = join(base, 'signalbox.config.mjs')
  writeFileSync(file, `export default { roots: [${JSON.stringify(root)}] }`)
  const options = { file, egressAllow: ['127.0.0.0/8', '::1/128'] }
  open = await openRunner(options)
  inner = await openRunner({ ...options, isWithin: true })
})

afterAll(() => {
  open.close()
  inner.close()
  rmSync(base, { recursive: true, force: true })
})

function git(cwd: string, args: readonly string[], env: Record<string, string> = {}): string {
  return execFileSync('git', args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      PATH: process.env['PATH'],
      HOME: base,
      GIT_COMMITTER_NAME: 'Committer',
      GIT_COMMITTER_EMAIL: 'committer@example.test',
      GIT_CONFIG_NOSYSTEM: '1',
      ...env,
    },
  })
}

function commit(directory: string, message: string, author: Record<string, string>, date: string): void {
  git(directory, ['add', '--all'])
  const dates = { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date }
  git(directory, ['commit', '--quiet', '--allow-empty', '-m', message], { ...author, ...dates })
}

function makeProject(directory: string): void {
  mkdirSync(join(directory, 'src'), { recursive: true })
  git(directory, ['init', '--quiet', '--initial-branch', 'main'])
  writeFileSync(join(directory, 'src/index.ts'), 'one\ntwo\nthree')
  writeFileSync(join(directory, 'Makefile'), 'all:\n\ttrue\n')
  writeFileSync(join(directory, 'logo.png'), Buffer.from([0x89, 0x50, 0x00, 0x0a]))
  writeFileSync(join(directory, 'ünicode name.md'), '# x\n')
  symlinkSync('/etc/passwd', join(directory, 'passwd.txt'))
  commit(directory, 'first', people.ada, '2024-01-31T23:00:00Z')
  git(directory, ['tag', '-a', 'v1', '-m', 'v1'])
  commit(directory, 'second', people.bob, '2024-03-01T00:00:00Z')
  writeFileSync(join(directory, 'src/big.py'), 'pass\n'.repeat(50_000))
  commit(directory, 'third', people.ada, '2024-03-02T00:00:00Z')
}

async function inspect(source: string, ref?: string) {
  const attempt = inspection(source, ref)
  const ran = await open.run(attempt)
  expect(open.leftovers(attempt)).toEqual(nothingLeft)
  return ran
}

async function inspectWithin(source: string, ref?: string) {
  const attempt = inspection(source, ref)
  const ran = await inner.run(attempt)
  expect(inner.leftovers(attempt).files).toEqual([])
  return ran
}

function inspection(source: string, ref?: string): Attempt {
  return newAttempt('repository.inspect', ref === undefined ? { source } : { source, ref })
}

const summary = {
  ref: 'main',
  files: 5,
  binaryFiles: 1,
  lines: 50_006,
  commits: 3,
  contributors: 2,
  firstCommitAt: '2024-01-31T23:00:00.000Z',
  lastCommitAt: '2024-03-02T00:00:00.000Z',
}

describe('a local repository', () => {
  it('is counted, in parts that come one by one', async () => {
    const { outcome, output } = await inspect('project')
    const head = git(join(root, 'project'), ['rev-parse', 'HEAD']).trim()
    expect(outcome).toMatchObject({ kind: 'completed', result: { ...summary, commit: head } })
    expect([...output.parts.keys()]).toEqual(['languages', 'commits-by-month', 'contributors'])
    expect(output.json('languages')).toEqual([
      { language: 'Python', files: 1, lines: 50_000 },
      { language: 'TypeScript', files: 1, lines: 3 },
      { language: 'Makefile', files: 1, lines: 2 },
      { language: 'Markdown', files: 1, lines: 1 },
    ])
    expect(output.json('commits-by-month')).toEqual([
      { month: '2024-01', commits: 1 },
      { month: '2024-03', commits: 2 },
    ])
    expect(output.json('contributors')).toEqual([
      { name: 'Ada', commits: 2 },
      { name: 'Bob', commits: 1 },
    ])
  })

  it('reports its steps, and progress that never falls', async () => {
    const { output } = await inspect('project')
    expect(output.steps).toEqual(['Copying objects', 'Counting lines', 'Reading history'])
    const percents = output.progressed.map(({ percent }) => percent)
    expect(percents).toEqual(percents.toSorted((a, b) => a - b))
    expect(percents.at(-1)).toBe(100)
  })

  it('is read at a tag or a commit', async () => {
    const first = git(join(root, 'project'), ['rev-parse', 'v1^{commit}']).trim()
    for (const ref of ['v1', first])
      expect((await inspect('project', ref)).outcome).toMatchObject({
        result: { ref, commit: first, commits: 1, files: 4 },
      })
  })

  it.each(['feature/ümlaut', 'fix(api)', 'rel=1,2', 'a&b', '日本/枝', "it's#1;$(x)", 'a@b', '%2e', 'a.lock.b', 'x😀'])(
    'is read at the branch %s',
    async (ref) => {
      git(join(root, 'project'), ['branch', '--force', ref, 'v1^{commit}'])
      const { outcome } = await inspectWithin('project', ref)
      git(join(root, 'project'), ['branch', '-D', ref])
      expect(outcome).toMatchObject({ kind: 'completed', result: { ref, commits: 1, files: 4 } })
    },
  )

  const refused = ['-x', '@', 'a..b', '.a', 'a/.b', 'a/', '/a', 'a//b', 'a.', 'a.lock', 'a.lock/b', 'a@{1}', 'a b']
  it.each([...refused, 'a~1', 'a^', 'a:b', 'a?', 'a*', 'a[b', 'a\\b', 'a\u007f', 'a\tb', 'a\n', 'a\u2028..b', ''])(
    'refuses %j, which git-check-ref-format does not allow',
    async (ref) => {
      expect((await inspectWithin('project', ref)).outcome).toMatchObject({ error: { code: 'INVALID_INPUT' } })
    },
  )

  it.each(['18446744073709551615', '8640000000001', '253402300800', '-1'])(
    'may have a commit of the date %s, which counts for no month',
    async (date) => {
      const directory = join(root, `dated${date}`)
      makeProject(directory)
      const tree = git(directory, ['rev-parse', 'HEAD^{tree}']).trim()
      const parent = git(directory, ['rev-parse', 'HEAD']).trim()
      const person = `Ada <ada@example.test> ${date} +0000`
      writeFileSync(
        join(base, 'commit'),
        `tree ${tree}\nparent ${parent}\nauthor ${person}\ncommitter ${person}\n\nfar away\n`,
      )
      const made = git(directory, ['hash-object', '-t', 'commit', '--literally', '-w', join(base, 'commit')]).trim()
      git(directory, ['update-ref', 'refs/heads/main', made])
      const { outcome, output } = await inspectWithin(`dated${date}`)
      expect(outcome).toMatchObject({ kind: 'completed', result: { ...summary, commits: 4, undatedCommits: 1 } })
      expect(output.json('commits-by-month')).toEqual([
        { month: '2024-01', commits: 1 },
        { month: '2024-03', commits: 2 },
      ])
    },
  )

  it('may be a partial clone that has what is read', async () => {
    const from = `file://${join(root, 'project')}`
    git(join(root, 'project'), ['config', 'uploadpack.allowFilter', 'true'])
    git(root, ['clone', '--quiet', '--filter=blob:none', from, 'partial'])
    expect((await inspect('partial')).outcome).toMatchObject({ kind: 'completed', result: summary })
  })

  it.each(['blob:none', 'tree:0'])('says when it is a partial clone that lacks objects (%s)', async (filter) => {
    const from = `file://${join(root, 'project')}`
    git(join(root, 'project'), ['config', 'uploadpack.allowFilter', 'true'])
    const name = `partial-${filter.replace(':', '-')}`
    git(root, ['clone', '--quiet', '--bare', `--filter=${filter}`, from, name])
    expect((await inspectWithin(name)).outcome).toMatchObject({
      kind: 'failed',
      error: {
        code: 'OBJECTS_MISSING',
        message: 'The repository is a partial clone that lacks objects of this commit; clone it without --filter.',
        retryable: false,
      },
    })
  })

  it('may be shallow', async () => {
    expect((await inspectWithin('shallow')).outcome).toMatchObject({ result: { files: 5, commits: 1 } })
  })

  // Only root can give files away.
  it.runIf(process.getuid?.() === 0)('may belong to another user', async () => {
    makeProject(join(root, 'foreign'))
    for (const path of ['foreign', 'foreign/.git']) chownSync(join(root, path), 65_534, 65_534)
    expect((await inspect('foreign')).outcome).toMatchObject({ result: summary })
  })

  it('is read without its own configuration, and what that includes', async () => {
    makeProject(join(root, 'configured'))
    writeFileSync(join(base, 'outside.config'), 'this is not the configuration of git')
    git(join(root, 'configured'), ['config', '--local', 'core.worktree', base])
    writeFileSync(join(root, 'configured/.git/config'), `[include]\n\tpath = ${join(base, 'outside.config')}\n`)
    expect((await inspect('configured')).outcome).toMatchObject({ result: summary })
  })

  it('has none of its configured programs executed', async () => {
    const trap = join(root, 'trap')
    makeProject(trap)
    const proof = join(base, 'executed')
    const script = join(base, 'prove.sh')
    writeFileSync(script, `#!/bin/sh\ntouch ${proof}\n`, { mode: 0o755 })
    for (const name of ['core.fsmonitor', 'gpg.program', 'uploadpack.packObjectsHook', 'core.pager', 'core.sshCommand'])
      git(trap, ['config', name, script])
    git(trap, ['config', 'log.showSignature', 'true'])
    expect((await inspect('trap')).outcome).toMatchObject({ kind: 'completed' })
    expect(() => realpathSync(proof)).toThrow('ENOENT')
  })

  it.each([
    ['empty', undefined, 'EMPTY_REPOSITORY', 'The repository is empty: it has no commit yet.'],
    ['project', 'nope', 'REF_NOT_FOUND', 'The repository has no branch or tag "nope".'],
    ['plain', undefined, 'NOT_A_REPOSITORY', 'The source is not a git repository.'],
    ['project/src/deep', undefined, 'NOT_A_REPOSITORY', 'The source is not a git repository.'],
    ['missing', undefined, 'SOURCE_REFUSED', 'The source "missing" is not a directory below one of the roots.'],
    ['../secret', undefined, 'SOURCE_REFUSED', 'The source "../secret" is not a directory below one of the roots.'],
    ['link', undefined, 'SOURCE_REFUSED', 'The source "link" is not a directory below one of the roots.'],
    ['/etc', undefined, 'SOURCE_REFUSED', 'The source "/etc" is not a directory below one of the roots.'],
    ['elsewhere', undefined, 'SOURCE_REFUSED', 'The repository keeps its objects outside of the roots.'],
    ['borrower', undefined, 'SOURCE_REFUSED', 'The repository keeps its objects outside of the roots.'],
  ])('is refused: %s at %s', async (source, ref, code, message) => {
    expect((await inspectWithin(source, ref)).outcome).toEqual({
      kind: 'failed',
      error: { code, message, retryable: false },
    })
  })

  it.each(['-x', '--upload-pack=touch', 'a..b', 'a b', 'main^', 'a//b', '@{-1}', 'main:', 'x.lock', '/x', 'x/'])(
    'is not read at the ref %s',
    async (ref) => {
      expect((await inspectWithin('project', ref)).outcome).toMatchObject({
        error: { code: 'INVALID_INPUT', retryable: false },
      })
    },
  )
})

describe('a repository of several places', () => {
  /** A copy of the project in which one path is a symbolic link to the same path of another repository. */
  function linked(name: string, path: string, other: string): string {
    const copy = join(root, name)
    cpSync(join(root, 'project'), copy, { recursive: true })
    rmSync(join(copy, path), { recursive: true })
    symlinkSync(join(other, path), join(copy, path))
    return name
  }

  beforeAll(() => {
    // Packs, packed refs and loose objects, all of them.
    for (const project of [join(root, 'project'), join(base, 'secret')]) {
      git(project, ['repack', '--quiet', '-a', '-d'])
      git(project, ['pack-refs'])
      commit(project, 'fourth', people.bob, '2024-03-03T00:00:00Z')
    }
  })

  const paths = [
    '.git',
    '.git/objects',
    '.git/objects/pack',
    '.git/refs',
    '.git/refs/heads/main',
    '.git/HEAD',
    '.git/packed-refs',
  ]

  it.each(paths)('is refused where %s is a link out of the roots', async (path) => {
    const source = linked(`out-${path.replaceAll('/', '-')}`, path, join(base, 'secret'))
    expect((await inspectWithin(source)).outcome).toMatchObject({ error: { code: 'SOURCE_REFUSED', retryable: false } })
  })

  it.each(paths)('is read where %s is a link that stays inside', async (path) => {
    const source = linked(`in-${path.replaceAll('/', '-')}`, path, join(root, 'project'))
    expect((await inspectWithin(source)).outcome).toMatchObject({ result: { files: 5, commits: 4 } })
  })

  it.each(['pack', 'loose object'])('is refused where a %s is a link out of the roots', async (what) => {
    const copy = join(root, `out-${what}`)
    cpSync(join(root, 'project'), copy, { recursive: true })
    const objects = join(copy, '.git/objects')
    const found = readdirSync(objects, { recursive: true }).map(String)
    const file = found.find((name) => (what === 'pack' ? name.endsWith('.pack') : /^..\/.{38}$/.test(name))) ?? ''
    renameSync(join(objects, file), join(base, what))
    symlinkSync(join(base, what), join(objects, file))
    expect((await inspectWithin(`out-${what}`)).outcome).toMatchObject({ error: { code: 'SOURCE_REFUSED' } })
  })

  it('is read as a work tree beside the first, and with objects that it borrows inside', async () => {
    git(join(root, 'project'), ['worktree', 'add', '--quiet', '-b', 'beside', join(root, 'beside')])
    expect((await inspectWithin('beside')).outcome).toMatchObject({ result: { ref: 'beside', commits: 4 } })
    git(root, ['clone', '--quiet', '--shared', 'project', 'neighbour'])
    git(root, ['clone', '--quiet', '--shared', 'neighbour', 'next-but-one'])
    expect((await inspectWithin('next-but-one')).outcome).toMatchObject({ result: { ref: 'main', commits: 4 } })
  })

  it('is refused where its work tree’s common directory lies out of the roots', async () => {
    git(join(base, 'secret'), ['worktree', 'add', '--quiet', '-b', 'tree', join(root, 'tree')])
    cpSync(join(base, 'secret/.git/worktrees/tree'), join(root, 'tree-data'), { recursive: true })
    writeFileSync(join(root, 'tree-data/commondir'), join(base, 'secret/.git'))
    writeFileSync(join(root, 'tree/.git'), `gitdir: ${join(root, 'tree-data')}\n`)
    expect((await inspectWithin('tree')).outcome).toMatchObject({ error: { code: 'SOURCE_REFUSED' } })
  })

  it('may have ids of SHA-256, and a directory of refs that links to itself', async () => {
    git(root, ['init', '--quiet', '--object-format=sha256', '--initial-branch', 'main', 'sha256'])
    commit(join(root, 'sha256'), 'first', people.ada, '2024-01-31T23:00:00Z')
    symlinkSync('..', join(root, 'sha256/.git/refs/heads/loop'))
    const { outcome } = await inspectWithin('sha256')
    expect(outcome).toMatchObject({ result: { commit: expect.stringMatching(/^[0-9a-f]{64}$/), ref: 'main' } })
  })

  it('is never left while somebody exchanges a directory for a link', async () => {
    const [place, inside] = [join(root, 'exchanged'), join(root, 'exchanged-inside')]
    for (const directory of [inside, join(base, 'exchanged-outside')]) mkdirSync(directory)
    writeFileSync(join(inside, 'file'), 'inside')
    writeFileSync(join(base, 'exchanged-outside/file'), 'outside')
    const script = `for (;;) for (const to of process.argv.slice(1)) {
      fs.symlinkSync(to, '${place}.new'); fs.renameSync('${place}.new', '${place}') }`
    const exchanging = spawn(process.execPath, ['-e', script, inside, join(base, 'exchanged-outside')])
    await until(() => existsSync(place))
    const roots = await Roots.of([root])
    const read = new Set<string>()
    for (let turn = 0; turn < 3_000; turn += 1)
      read.add(await roots.text(join(place, 'file')).catch((error: Error) => error.name))
    exchanging.kill('SIGKILL')
    expect([...read].toSorted()).toEqual(['OutsideRoots', 'inside'])
  })
})

describe('a remote repository', () => {
  it('is fetched in git’s own phases', async () => {
    const workspace = join(base, 'workspace')
    mkdirSync(workspace)
    const context = { step: (name: string) => steps.push(name), progress: (percent: number) => percents.push(percent) }
    const steps: string[] = []
    const percents: number[] = []
    const source = { location: join(root, 'project'), settings: ['protocol.file.allow=always', 'safe.directory=*'] }
    const found = await fetchRepository(
      await createGit(workspace),
      source,
      undefined,
      context as unknown as TaskContext,
    )
    expect(found).toEqual({ name: 'refs/inspected', shown: 'main' })
    expect(steps).toContain('Counting objects')
    expect(percents).toEqual(percents.toSorted((a, b) => a - b))
  })

  async function fetched(directory: string, ref: string | undefined) {
    const workspace = mkdtempSync(join(base, 'workspace-'))
    const context = { step: () => undefined, progress: () => undefined } as unknown as TaskContext
    const source = { location: directory, settings: ['protocol.file.allow=always', 'safe.directory=*'] }
    const workspaceGit = await createGit(workspace)
    const found = await fetchRepository(workspaceGit, source, ref, context)
    return (await workspaceGit.text(['rev-parse', found.name])).trim()
  }

  it('may have ids of SHA-256, asked for by a name or an id', async () => {
    const directory = join(root, 'remote-sha256')
    git(root, ['init', '--quiet', '--object-format=sha256', '--initial-branch', 'main', 'remote-sha256'])
    commit(directory, 'first', people.ada, '2024-01-31T23:00:00Z')
    const head = git(directory, ['rev-parse', 'HEAD']).trim()
    for (const ref of [undefined, 'main', head]) expect(await fetched(directory, ref)).toBe(head)
  })

  it.each([40, 64])('says that it has no such commit: an id of %i digits', async (digits) => {
    const missing = fetched(join(root, 'project'), 'a'.repeat(digits))
    await expect(missing).rejects.toMatchObject({ code: 'REF_NOT_FOUND', retryable: false })
  })

  it('is asked without the configuration of a repository around the workspace', async () => {
    const requests: string[] = []
    const server = createSecureServer(selfSigned, ({ url, headers }, response) => {
      requests.push(`${url} ${headers.authorization}`)
      response.end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const url = `https://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`
    git(open.directory, ['init', '--quiet'])
    for (const [name, value] of [
      ['http.extraHeader', 'Authorization: Basic c2VjcmV0'],
      ['http.sslVerify', 'false'],
      [`url.${url}.insteadOf`, 'https://127.0.0.2/'],
    ] as const)
      git(open.directory, ['config', name, value])
    for (const source of [`${url}x.git`, 'https://127.0.0.2/x.git'])
      expect((await inspect(source)).outcome).toMatchObject({ error: { code: 'GIT_FAILED' } })
    server.close()
    expect(requests).toEqual([])
  })

  it.each([
    ['http://example.test/x.git', 'SOURCE_REFUSED'],
    ['ssh://git@example.test/x.git', 'SOURCE_REFUSED'],
    ['ext::sh -c touch% made', 'SOURCE_REFUSED'],
    ['file:///etc', 'SOURCE_REFUSED'],
    ['https://user:secret@example.test/x.git', 'SOURCE_REFUSED'],
    ['https://10.0.0.1/x.git', 'ADDRESS_REFUSED'],
    ['https://169.254.169.254/latest', 'ADDRESS_REFUSED'],
    ['https://[fe80::1]/x.git', 'ADDRESS_REFUSED'],
    ['https://[::ffff:10.0.0.1]/x.git', 'ADDRESS_REFUSED'],
    ['https://0xa000001/x.git', 'ADDRESS_REFUSED'],
  ])('is refused: %s', async (source, code) => {
    expect((await inspectWithin(source)).outcome).toMatchObject({ kind: 'failed', error: { code, retryable: false } })
  })

  it('is reached at the address that was checked, inside an allowed network', async () => {
    const greetings: string[] = []
    const server = createServer((socket) => {
      socket.once('data', (bytes) => {
        greetings.push(bytes.toString('latin1'))
        socket.destroy()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const { outcome } = await inspect(`https://localhost:${port}/x.git`)
    server.close()
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'GIT_FAILED', retryable: true } })
    // The name of the host, as TLS sends it first, at the address that it was resolved to.
    expect(greetings[0]).toContain('localhost')
  })

  it('is pinned to the addresses that were checked', async () => {
    const allowed = ['127.0.0.0/8', '::1/128']
    const { settings } = await remoteSource('https://127.0.0.1:8443/x.git', allowed)
    expect(settings).toEqual(['protocol.https.allow=always', 'http.curloptResolve=127.0.0.1:8443:127.0.0.1'])
    const named = await remoteSource('https://localhost/x.git', allowed)
    expect(named.settings[1]).toBe('http.curloptResolve=localhost:443:127.0.0.1,[::1]')
  })

  it('needs every address of its host to be public or allowed', async () => {
    await expect(publicAddresses('127.0.0.1', [])).rejects.toThrow('may not be reached from here')
    await expect(publicAddresses('127.0.0.1', ['10.0.0.0/8', '::/0'])).rejects.toThrow('may not be reached from here')
    expect(await publicAddresses('127.0.0.1', ['127.0.0.0/8'])).toEqual(['127.0.0.1'])
    expect(await publicAddresses('[2606:4700::1111]', [])).toEqual(['2606:4700::1111'])
  })
})

describe('languages', () => {
  it.each([
    ['src/a.test.ts', 'TypeScript'],
    ['Dockerfile.prod', 'Dockerfile'],
    ['a/b/CMakeLists.txt', 'CMake'],
    ['classes/Job.cls', 'Apex'],
    ['notes/README.md', 'Markdown'],
    ['src/main.rs', 'Rust'],
    ['src/View.tsx', 'TypeScript'],
    ['src/signalbox.h', 'C'],
    ['deploy.yaml', 'YAML'],
    ['config.h.in', 'C'],
    ['version.cmake.in', 'CMake'],
    ['go.sum', 'Go Checksums'],
    ['.bashrc', 'Shell'],
    ['x.constructor', 'Other'],
    ['constructor', 'Other'],
  ])('takes %s for %s', (path, language) => {
    expect(languageOf(path)).toBe(language)
  })

  it('are those of the table that npm run generate makes', async () => {
    const file = new URL(
      'generated/languages.json',
      import.meta.resolve('#domain/tasks/handlers/repository/languages.ts'),
    )
    expect(await readFile(file, 'utf8')).toBe(languageTables())
  })
})
