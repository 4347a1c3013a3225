import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { StartupError } from '#lib/errors.ts'
import { environment, readConfig } from '#src/config.ts'

const names = Object.keys(environment.shape).sort()
const here = { workingDirectory: '/srv/box', isTerminal: false }

function read(env: Record<string, string>, options: Partial<Parameters<typeof readConfig>[1]> = {}) {
  return readConfig(env, { ...here, ...options })
}

/** The lines of the refusal, without its head. */
function faults(env: Record<string, string>): string[] {
  try {
    read(env)
  } catch (error) {
    expect(error).toBeInstanceOf(StartupError)
    const [head, ...lines] = (error as StartupError).message.split('\n')
    expect(head).toBe('The configuration is not valid:')
    return lines.map((line) => line.trim())
  }
  return []
}

describe('the environment is documented', () => {
  /** A default as people write it; empty where there is none. */
  const defaults = Object.fromEntries(
    Object.entries(environment.parse({})).map(([name, value]) => [name, String(value ?? '')]),
  )
  const text = (file: string) => readFileSync(join(import.meta.dirname, '..', file), 'utf8')
  const documented = (content: string, line: RegExp) =>
    new Map([...content.matchAll(line)].map(([, name = '', value = '']) => [name, value]))
  const example = documented(text('.env.example'), /^#?([A-Z_]+)=(.*)$/gm)
  const table = documented(text('src/docs/environment.md'), /^\| `([A-Z_]+)` \| (?:`(.+?)`|—) \| .+ \|$/gm)

  it('by the same names in .env.example and in the documentation', () => {
    expect([...example.keys()].sort()).toEqual(names)
    expect([...table.keys()].sort()).toEqual(names)
  })

  it.each(names)('with the default of %s as it is', (name) => {
    expect(example.get(name)).toBe(defaults[name] ?? '')
    expect(table.get(name)).toBe(defaults[name] ?? '')
  })

  it('so that a copy of .env.example with every line in use changes nothing', () => {
    const { env: _, ...copied } = read(Object.fromEntries(example))
    const { env: __, ...bare } = read({})
    expect(copied).toEqual(bare)
  })
})

describe('readConfig refuses', () => {
  const whole = (min: number, max: number) => `must be a whole number from ${min} to ${max}`
  const roles = 'must be api, worker, or both with a comma between them'
  const networks = 'must be networks such as 10.0.0.0/8 or fd00::/8, separated by commas'

  const origins = 'must be origins such as https://app.example.com, separated by commas'
  const proxies = 'must be addresses or networks such as 10.0.0.1 or 10.0.0.0/8, separated by commas'

  it.each([
    ['PORT', 'http', whole(0, 65_535)],
    ['PORT', '65536', whole(0, 65_535)],
    ['PORT', '-1', whole(0, 65_535)],
    ['PORT', '80.5', whole(0, 65_535)],
    ['PORT', '0x1F90', whole(0, 65_535)],
    ['PORT', '4e3', whole(0, 65_535)],
    ['PORT', ' ', whole(0, 65_535)],
    ['DATABASE_POOL', '1', whole(2, 200)],
    ['WORKER_SLOTS', '0', whole(1, 10_000)],
    ['CRITICAL_SLOTS', 'none', whole(0, 10_000)],
    ...['22:00-06:00', '22:00-06:00 Europe/Bonn', '22:00-22:00 UTC', '24:00-06:00 UTC'].map((window) => [
      'BATCH_WINDOW',
      window,
      'must be two times of day and a time zone, such as 22:00-06:00 Europe/Berlin',
    ]),
    ['SHUTDOWN_TIMEOUT_MS', '10s', whole(0, 3_600_000)],
    ['JOURNAL_RETENTION_DAYS', '0', whole(1, 3_650)],
    ['RESULT_RETENTION_DAYS', '3651', whole(1, 3_650)],
    ['TASK_RETENTION_DAYS', 'forever', whole(1, 3_650)],
    ['PUBLIC_URL', 'box.example.com', 'must be an address such as https://signalbox.example.com'],
    ['PUBLIC_URL', 'ftp://box.example.com', 'must be an address such as https://signalbox.example.com'],
    ['ROLES', 'api,cook', roles],
    ['ROLES', 'api,', roles],
    ['EGRESS_ALLOW', '10.0.0.1', networks],
    ['EGRESS_ALLOW', '10.0.0.0/8,10.0.0.0/33', networks],
    ['RATE_LIMIT_TOKEN', 'many', whole(0, 1_000_000_000)],
    ['RATE_LIMIT_USER', '-1', whole(0, 1_000_000_000)],
    ['RATE_LIMIT_ADDRESS', '1e3', whole(0, 1_000_000_000)],
    ['COST_LIMIT_ADDRESS', 'none', whole(0, 1_000_000_000)],
    ['QUERY_DEPTH_LIMIT', '0', whole(1, 1_000)],
    ['QUERY_TOKEN_LIMIT', '99', whole(100, 1_000_000)],
    ['QUERY_ALIAS_LIMIT', '100001', whole(0, 100_000)],
    ['QUERY_REPEAT_LIMIT', 'x', whole(0, 100_000)],
    ['QUERY_DIRECTIVE_LIMIT', 'x', whole(0, 100_000)],
    ['BODY_LIMIT_BYTES', '4MB', whole(16_384, 1_073_741_824)],
    ['ANONYMOUS_BODY_BYTES', '1000', whole(1_048_576, 17_179_869_184)],
    ['SUBSCRIPTION_LIMIT', 'x', whole(0, 1_000_000_000)],
    ['SOCKET_LIMIT', 'x', whole(0, 1_000_000_000)],
    ['QUOTA_WAITING_TASKS', 'x', whole(0, 1_000_000_000)],
    ['QUOTA_STORED_BYTES', '1GB', whole(0, Number.MAX_SAFE_INTEGER)],
    ['CORS_ORIGINS', '*', origins],
    ['CORS_ORIGINS', 'https://app.example.com/', origins],
    ['TRUSTED_PROXIES', 'proxy.internal', proxies],
    ['TRUSTED_PROXIES', '10.0.0.1,10.0.0.0/33', proxies],
    ['LOG_LEVEL', 'loud', 'must be trace, debug, info, warn, error or silent'],
    ['LOG_FORMAT', 'xml', 'must be json or pretty'],
  ])('%s=%s, and says what would be right', (name, value, rule) => {
    expect(faults({ [name]: value })).toEqual([`${name}: ${rule}; it is "${value}"`])
  })

  it.each([
    [
      'DATABASE_URL',
      'mysql://box:hunter2@db/box',
      'must be an address such as postgresql://user:password@host:5432/name',
    ],
    ['BOOTSTRAP_TOKEN', 'hunter2', 'must have 32 to 128 characters'],
    ['BOOTSTRAP_TOKEN', 'hunter2'.repeat(19), 'must have 32 to 128 characters'],
  ])('%s without repeating it', (name, value, rule) => {
    expect(faults({ [name]: value })).toEqual([`${name}: ${rule}`])
  })

  it('everything that is wrong at once, each variable in one line', () => {
    const lines = faults({ PORT: 'http', ROLES: 'cook,bake', HOST: 'box', LOG_LEVEL: 'loud', DATABASE_URL: 'box' })
    expect(lines.map((line) => line.split(':')[0])).toEqual(['PORT', 'DATABASE_URL', 'ROLES', 'LOG_LEVEL'])
  })

  it('places for CRITICAL tasks that leave none for others, also when only one of both numbers is given', () => {
    const rule = 'CRITICAL_SLOTS: must be less than WORKER_SLOTS, or nothing but CRITICAL tasks would ever run'
    expect(faults({ WORKER_SLOTS: '2' })).toEqual([`${rule}; it is 2, and WORKER_SLOTS is 2`])
    expect(faults({ CRITICAL_SLOTS: '9' })).toEqual([`${rule}; it is 9, and WORKER_SLOTS is 8`])
    expect(read({ WORKER_SLOTS: '1', CRITICAL_SLOTS: '0' })).toMatchObject({ slots: 1, criticalSlots: 0 })
  })

  it('results that would outlive their tasks', () => {
    const rule = 'RESULT_RETENTION_DAYS: must not be more than TASK_RETENTION_DAYS, since a result goes with its task'
    expect(faults({ TASK_RETENTION_DAYS: '7' })).toEqual([`${rule}; it is 14, and TASK_RETENTION_DAYS is 7`])
    expect(read({ TASK_RETENTION_DAYS: '14' }).retention).toMatchObject({ resultDays: 14, taskDays: 14 })
  })

  it('operations that no minute has room for', () => {
    const rule = 'QUERY_COST_LIMIT: must not be more than COST_LIMIT_USER, or the largest operations could never be run'
    expect(faults({ COST_LIMIT_USER: '100' })).toEqual([`${rule}; it is 50000, and COST_LIMIT_USER is 100`])
    expect(faults({ COST_LIMIT_USER: '0' })).toEqual([])
  })

  it('both of these together', () => {
    expect(faults({ WORKER_SLOTS: '1', TASK_RETENTION_DAYS: '1' })).toHaveLength(2)
  })
})

describe('readConfig', () => {
  it('takes what is given', () => {
    const config = read({
      NODE_ENV: 'production',
      PORT: '8080 ',
      PUBLIC_URL: 'https://box.example.com',
      DATABASE_URL: 'postgres://box:secret@db:5432/box',
      ROLES: 'worker',
      EGRESS_ALLOW: '10.0.0.0/8, fd00::/8,',
    })
    expect(config).toMatchObject({
      production: true,
      port: 8080,
      publicUrl: 'https://box.example.com',
      databaseUrl: 'postgres://box:secret@db:5432/box',
      roles: { api: false, worker: true },
      egressAllow: ['10.0.0.0/8', 'fd00::/8'],
    })
  })

  it('counts an empty variable as unset', () => {
    const empty = Object.fromEntries(names.map((name) => [name, '']))
    const { env: _, ...config } = read(empty)
    const { env: __, ...bare } = read({})
    expect(config).toEqual(bare)
  })

  it('resolves relative paths against the working directory', () => {
    const env = { DATA_DIR: 'data', SIGNALBOX_CONFIG: '../box.ts' }
    expect(read(env)).toMatchObject({ dataDir: '/srv/box/data', configFile: '/srv/box.ts' })
    expect(read({ DATA_DIR: '/var/lib/box' })).toMatchObject({ dataDir: '/var/lib/box', configFile: undefined })
    expect(read(env, { configFile: 'mine.ts' })).toMatchObject({ configFile: '/srv/box/mine.ts' })
  })

  it('takes the file named on the command line before SIGNALBOX_CONFIG', () => {
    const env = { SIGNALBOX_CONFIG: '/etc/box.ts' }
    expect(read(env).configFile).toBe('/etc/box.ts')
    expect(read(env, { configFile: '/opt/other.ts' }).configFile).toBe('/opt/other.ts')
  })

  it('logs for people on a terminal and as JSON elsewhere, unless told otherwise', () => {
    expect(read({}, { isTerminal: true }).logFormat).toBe('pretty')
    expect(read({}, { isTerminal: false }).logFormat).toBe('json')
    expect(read({ LOG_FORMAT: 'json' }, { isTerminal: true }).logFormat).toBe('json')
    expect(read({ LOG_FORMAT: 'pretty' }, { isTerminal: false }).logFormat).toBe('pretty')
  })
})

describe('a variable whose name nothing reads', () => {
  const warnings = (env: Record<string, string>) =>
    readConfig(env, { workingDirectory: '/', isTerminal: false }).warnings

  it.each([
    ['WORKER_SLOT', 'Nothing reads the variable WORKER_SLOT. Did you mean WORKER_SLOTS?'],
    ['DATABSE_URL', 'Nothing reads the variable DATABSE_URL. Did you mean DATABASE_URL?'],
    ['SIGNALBOX_CONFG', 'Nothing reads the variable SIGNALBOX_CONFG. Did you mean SIGNALBOX_CONFIG?'],
    ['SIGNALBOX_PORT', 'Nothing reads the variable SIGNALBOX_PORT. Did you mean PORT?'],
    ['SIGNALBOX_NONSENSE', 'Nothing reads the variable SIGNALBOX_NONSENSE.'],
  ])('%s is warned of', (name, warning) => {
    expect(warnings({ [name]: 'x' })).toEqual([warning])
  })

  it('is not warned of when it may be anyone’s', () => {
    const others = ['PATH', 'HOSTNAME', 'ROLE', 'POSTS', 'SIGNALBOX_URL', 'SIGNALBOX_TASK_ID', 'GITHUB_HOOK_SECRET']
    expect(warnings(Object.fromEntries(others.map((name) => [name, 'x'])))).toEqual([])
  })
})
