import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inputJsonSchema, taskDefaults } from '#domain/tasks/task-type.ts'
import { StartupError } from '#lib/errors.ts'
import { loadTaskTypes } from '#src/app/task-types.ts'
import { loadProjectConfig } from '#src/project/config-file.ts'

const fixtures = join(import.meta.dirname, '../fixtures/config')
let empty: string

beforeAll(() => {
  empty = mkdtempSync(join(tmpdir(), 'signalbox-config-'))
})

afterAll(() => rmSync(empty, { recursive: true }))

function load(name: string) {
  return loadProjectConfig({ file: join(fixtures, name), cwd: empty })
}

async function refusal(name: string): Promise<string> {
  const error = await load(name)
    .then(
      (config) => loadTaskTypes(config, { egressAllow: [], salesforce: { hosts: [] } }),
      (thrown: unknown) => thrown,
    )
    .catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StartupError)
  return (error as StartupError).message
}

describe('loading', () => {
  it('gives the defaults where there is no file', async () => {
    expect(await loadProjectConfig({ cwd: empty })).toEqual({
      commands: {},
      taskTypes: [],
      roots: [empty],
      hooks: {},
      trust: [],
    })
  })

  it('gives no roots where a service is started in the root of the file system', async () => {
    expect((await loadProjectConfig({ cwd: '/' })).roots).toEqual([])
  })

  it('finds a file in the working directory', async () => {
    const directory = mkdtempSync(join(empty, 'found-'))
    writeFileSync(join(directory, 'signalbox.config.mjs'), "export default { commands: { hi: { command: ['true'] } } }")
    const config = await loadProjectConfig({ cwd: directory })
    expect(config).toMatchObject({ commands: { hi: { command: ['true'] } }, roots: [directory] })
    expect(config.file).toBe(join(directory, 'signalbox.config.mjs'))
  })

  it('makes paths absolute from the file’s own directory', async () => {
    const config = await load('full.ts')
    expect(config.commands['lint']?.cwd).toBe(fixtures)
    expect(config.roots).toEqual([dirname(fixtures)])
  })
})

describe('refusals name the file and the reason', () => {
  it('of a file that does not exist', async () => {
    const file = join(fixtures, 'nowhere.ts')
    expect(await refusal('nowhere.ts')).toBe(
      `The configuration file ${file} does not exist: create it, or correct --config or SIGNALBOX_CONFIG.`,
    )
  })

  it.each([
    ['throws.ts', /throws\.ts can't be loaded: Error: the moon is full$/],
    ['no-default.ts', /no-default\.ts must export an object by default: export default \{ … \}$/],
    ['missing-root.ts', /is refused: roots names .*nowhere, which is not a directory\.$/],
    ['taken-name.ts', /taken-name\.ts: The task type "probe" is defined twice\.$/],
  ])('of %s', async (name, message) => {
    expect(await refusal(name)).toMatch(message)
  })

  it('of a syntax error', async () => {
    const file = join(empty, 'syntax-error.mjs')
    writeFileSync(file, 'export default { commands: ')
    await expect(loadProjectConfig({ file, cwd: empty })).rejects.toThrow(/syntax-error\.mjs can't be loaded: .*Error/)
  })

  it.each(['42', '[]', '() => ({})'])('of %s in the place of an object', async (exported) => {
    const file = join(mkdtempSync(join(empty, 'nonsense-')), 'signalbox.config.mjs')
    writeFileSync(file, `export default ${exported}`)
    await expect(loadProjectConfig({ file, cwd: empty })).rejects.toThrow(
      `The configuration file ${file} must export an object by default: export default { … }`,
    )
  })

  it('of each thing that is wrong, by its path', async () => {
    const message = await refusal('refused.ts')
    for (const sentence of [
      'commands.lint.command must be a list of texts: the program, then its arguments.',
      'commands.build must not have "retries".',
      'commands.test.command must start with a program, not with an argument.',
      'commands.test.args must be an object schema of zod 4: z.object({ … }).',
      'commands.test.timeoutMs must be above 0.',
      'commands.test.env.CI must be true or a string.',
      'commands.has blank has a name with other than letters, digits, . _ : -.',
      'taskTypes[0].input must be a schema of zod 4.',
      'taskTypes[0].run must be a function.',
      'roots must name a directory.',
      'The configuration must not have "port".',
    ])
      expect(message).toContain(sentence)
  })

  it('of a placeholder without its argument', async () => {
    const file = join(empty, 'placeholder.mjs')
    writeFileSync(file, "export default { commands: { build: { command: ['make', '{{args.target}}'] } } }")
    await expect(loadProjectConfig({ file, cwd: empty })).rejects.toThrow(
      "commands.build.command names {{args.target}}, which its args don't define.",
    )
  })
})

describe('task types', () => {
  it('are the built-in ones and the project’s', async () => {
    const types = loadTaskTypes(await load('full.ts'), { egressAllow: [], salesforce: { hosts: [] } })
    expect(types.list().map((type) => type.name)).toEqual([
      'command',
      'command.lint',
      'greet',
      'http.request',
      'probe',
      'repository.inspect',
      'salesforce.apexTests',
      'salesforce.deploy',
      'salesforce.limits',
      'salesforce.query',
      'salesforce.retrieve',
      'salesforce.sourceCheck',
      'salesforce.validate',
    ])
  })

  it('describe their input to callers, command by command', async () => {
    const command = loadTaskTypes(await load('full.ts'), { egressAllow: [], salesforce: { hosts: [] } }).get('command')!
    expect(inputJsonSchema(command)).toMatchObject({
      oneOf: [{ description: 'Looks for mistakes.', properties: { command: { const: 'lint' } } }],
    })
  })

  it('take a command’s defaults from its configuration', async () => {
    const command = loadTaskTypes(await load('full.ts'), { egressAllow: [], salesforce: { hosts: [] } }).get('command')!
    const retry = { maxAttempts: 2 }
    const defaults = { priority: 'BATCH', timeoutMs: 60_000, graceMs: 100, retry, onWorkerLost: 'fail' }
    expect(taskDefaults(command, { command: 'lint', args: { path: '.' } })).toEqual(defaults)
    expect(command.env).toEqual(['NPM_TOKEN'])
  })
})
