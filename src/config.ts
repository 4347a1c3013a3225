import { resolve } from 'node:path'
import { z } from 'zod'
import { StartupError } from '#lib/errors.ts'

const port = z.coerce.number().int().min(0).max(65_535)
const count = (min: number, max: number) => z.coerce.number().int().min(min).max(max)
const cidr = /^[0-9a-fA-F.:]+\/\d{1,3}$/

/** Every variable that is read, with its default and what is accepted; the README's table and `.env.example` name the same. */
export const environment = z.object({
  NODE_ENV: z.string().default('development'),
  PORT: port.default(4000),
  HOST: z.string().min(1).default('127.0.0.1'),
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  DATABASE_POOL: count(2, 200).default(10),
  DATA_DIR: z.string().min(1).default('.signalbox'),
  BOOTSTRAP_TOKEN: z
    .string()
    .min(32, 'must have 32 to 128 characters')
    .max(128, 'must have 32 to 128 characters')
    .optional(),
  SIGNALBOX_CONFIG: z.string().min(1).optional(),
  ROLES: z
    .string()
    .default('api,worker')
    .transform((text) => text.split(',').map((role) => role.trim()))
    .pipe(z.array(z.enum(['api', 'worker'])).min(1)),
  WORKER_SLOTS: count(1, 10_000).default(8),
  CRITICAL_SLOTS: count(0, 10_000).default(2),
  SHUTDOWN_TIMEOUT_MS: count(0, 3_600_000).default(10_000),
  EGRESS_ALLOW: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((network) => network.trim())
        .filter(Boolean),
    )
    .pipe(z.array(z.string().regex(cidr, 'must be networks such as 10.0.0.0/8, separated by commas'))),
  JOURNAL_RETENTION_DAYS: count(1, 3_650).default(7),
  RESULT_RETENTION_DAYS: count(1, 3_650).default(14),
  TASK_RETENTION_DAYS: count(1, 3_650).default(30),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  LOG_FORMAT: z.enum(['json', 'pretty']).optional(),
})

export interface Config {
  readonly production: boolean
  readonly port: number
  readonly host: string
  /** Where others reach this server; derived from host and port when not given. */
  readonly publicUrl: string | undefined
  readonly databaseUrl: string | undefined
  readonly databasePool: number
  /** Absolute. */
  readonly dataDir: string
  readonly bootstrapToken: string | undefined
  /** Absolute; undefined: `signalbox.config.ts` in the working directory, when there. */
  readonly configFile: string | undefined
  readonly workingDirectory: string
  readonly roles: { readonly api: boolean; readonly worker: boolean }
  readonly slots: number
  readonly criticalSlots: number
  /** How long running tasks may go on after the server was asked to stop. */
  readonly shutdownTimeoutMs: number
  /** Private networks that outbound calls may reach all the same, as CIDR. */
  readonly egressAllow: readonly string[]
  readonly retention: { readonly journalDays: number; readonly resultDays: number; readonly taskDays: number }
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'
  readonly logFormat: 'json' | 'pretty'
  /** What task types may be given of it, by name; nothing else reads it. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * The configuration, read from the environment that is handed in; an empty variable counts as unset.
 * @throws {StartupError} naming everything that is wrong with it, and what would be right.
 */
export function readConfig(
  env: Readonly<Record<string, string | undefined>>,
  options: { workingDirectory: string; isTerminal: boolean; configFile?: string | undefined },
): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = environment.safeParse(given)
  const faults = parsed.success ? crossChecks(parsed.data) : parsed.error.issues.map(faultOf)
  if (!parsed.success || faults.length > 0)
    throw new StartupError(`The configuration is not valid:\n${faults.map((fault) => `  ${fault}`).join('\n')}`)
  const it = parsed.data
  const configFile = options.configFile ?? it.SIGNALBOX_CONFIG
  return {
    production: it.NODE_ENV === 'production',
    port: it.PORT,
    host: it.HOST,
    publicUrl: it.PUBLIC_URL,
    databaseUrl: it.DATABASE_URL,
    databasePool: it.DATABASE_POOL,
    dataDir: resolve(options.workingDirectory, it.DATA_DIR),
    bootstrapToken: it.BOOTSTRAP_TOKEN,
    configFile: configFile === undefined ? undefined : resolve(options.workingDirectory, configFile),
    workingDirectory: options.workingDirectory,
    roles: { api: it.ROLES.includes('api'), worker: it.ROLES.includes('worker') },
    slots: it.WORKER_SLOTS,
    criticalSlots: it.CRITICAL_SLOTS,
    shutdownTimeoutMs: it.SHUTDOWN_TIMEOUT_MS,
    egressAllow: it.EGRESS_ALLOW,
    retention: {
      journalDays: it.JOURNAL_RETENTION_DAYS,
      resultDays: it.RESULT_RETENTION_DAYS,
      taskDays: it.TASK_RETENTION_DAYS,
    },
    logLevel: it.LOG_LEVEL,
    logFormat: it.LOG_FORMAT ?? (options.isTerminal ? 'pretty' : 'json'),
    env,
  }
}

function faultOf(issue: z.core.$ZodIssue): string {
  return `${String(issue.path[0])}: ${issue.message}`
}

function crossChecks(it: z.output<typeof environment>): string[] {
  const faults: string[] = []
  if (it.CRITICAL_SLOTS >= it.WORKER_SLOTS)
    faults.push(
      `CRITICAL_SLOTS: must be less than WORKER_SLOTS, or nothing else would ever run; it is ${it.CRITICAL_SLOTS} of ${it.WORKER_SLOTS}`,
    )
  if (it.RESULT_RETENTION_DAYS > it.TASK_RETENTION_DAYS)
    faults.push('RESULT_RETENTION_DAYS: must not be more than TASK_RETENTION_DAYS, since a result goes with its task')
  return faults
}
