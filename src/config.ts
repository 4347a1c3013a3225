import { resolve } from 'node:path'
import { z } from 'zod'
import type { OidcSettings } from '#domain/access/sign-in/oidc-provider.ts'
import type { Limits } from '#domain/limits/service.ts'
import type { Quotas } from '#domain/quotas/quota.ts'
import { type BatchWindow, parseBatchWindow } from '#domain/tasks/batch-window.ts'
import { StartupError } from '#lib/errors.ts'
import { secretKeyBytes } from '#platform/secrets/secret-key.ts'
import type { DocumentLimits } from '#transport/graphql/document-limits.ts'
import { unknownVariables } from './unknown-variables.ts'

/** A whole number in digits; what `Number` would take beside them, `0x1F90` or `4e3` or nothing but blanks, is a slip. */
function count(min: number, max: number) {
  const rule = `must be a whole number from ${min} to ${max}`
  return z.string().trim().regex(/^\d+$/, rule).transform(Number).pipe(z.number().min(min, rule).max(max, rule))
}

function list(text: string): string[] {
  return text.split(',').map((item) => item.trim())
}

const secretKey = z
  .string()
  .transform((text) => Buffer.from(text, 'base64'))
  .refine((key) => key.length === secretKeyBytes, 'must be 32 bytes in base64, such as `openssl rand -base64 32` makes')

const tokenRule = 'must have 32 to 128 characters'
const domainRule = 'must be domains such as example.com, separated by commas'
const networkRule = 'must be networks such as 10.0.0.0/8 or fd00::/8, separated by commas'

const hostRule = 'must be hosts such as sfdc.example.com or *.example.com, separated by commas'
const originRule = 'must be origins such as https://app.example.com, separated by commas'
const proxyRule = 'must be addresses or networks such as 10.0.0.1 or 10.0.0.0/8, separated by commas'
const mebibyte = 1024 * 1024
const maxCounted = 1_000_000_000
const dayMs = 24 * 60 * 60 * 1000

function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text
}

/** Every variable that is read, with its default and what is accepted. What each means: `src/reference/environment.ts`. */
export const environment = z.object({
  NODE_ENV: z.string().default('development'),
  PORT: count(0, 65_535).default(4000),
  HOST: z.string().min(1).default('127.0.0.1'),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/, error: 'must be an address such as https://signalbox.example.com' })
    .optional(),
  INSTANCE_NAME: z.string().trim().max(40, 'must have at most 40 characters').optional(),
  INSTANCE_COLOR: z
    .string()
    .trim()
    .regex(/^#[\da-f]{6}$/i, 'must be a color such as #b3261e')
    .optional(),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: 'must be an address such as postgresql://user:password@host:5432/name' })
    .optional(),
  DATABASE_POOL: count(2, 200).default(10),
  DATA_DIR: z.string().min(1).default('.signalbox'),
  SECRET_KEY: secretKey.optional(),
  SECRET_KEY_PREVIOUS: z
    .string()
    .default('')
    .transform((text) => list(text).filter(Boolean))
    .pipe(z.array(secretKey)),
  BOOTSTRAP_TOKEN: z.string().min(32, tokenRule).max(128, tokenRule).optional(),
  OIDC_ISSUER: z.url({ protocol: /^https?$/, error: 'must be an address such as https://id.example.com' }).optional(),
  OIDC_CLIENT_ID: z.string().min(1).optional(),
  OIDC_CLIENT_SECRET: z.string().min(1).optional(),
  OIDC_ALLOWED_DOMAINS: z
    .string()
    .default('')
    .transform((text) => list(text.toLowerCase()).filter(Boolean))
    .pipe(z.array(z.string().regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, domainRule))),
  OIDC_ACCESS_TOKEN_AUDIENCE: z.string().min(1).optional(),
  SIGNALBOX_CONFIG: z.string().min(1).optional(),
  ROLES: z
    .string()
    .default('api,worker')
    .transform(list)
    .pipe(z.array(z.enum(['api', 'worker'], 'must be api, worker, or both with a comma between them'))),
  PART_BYTES: count(64 * mebibyte, 1024 * mebibyte).default(64 * mebibyte),
  WORKER_SLOTS: count(1, 10_000).default(8),
  CRITICAL_SLOTS: count(0, 10_000).default(2),
  BATCH_WINDOW: z
    .string()
    .min(1)
    .transform(parseBatchWindow)
    .refine(
      (window) => window !== undefined,
      'must be two times of day and a time zone, such as 22:00-06:00 Europe/Berlin',
    )
    .optional(),
  WARM_TASK_PROCESSES: count(0, 100).default(1),
  TASK_USER: z.string().min(1).optional(),
  WORKER_LEASE_MS: count(1_000, 3_600_000).default(30_000),
  WEBHOOK_SLOTS: count(1, 10_000).default(200),
  WEBHOOK_DISABLE_AFTER: count(0, maxCounted).default(100),
  SHUTDOWN_TIMEOUT_MS: count(0, 3_600_000).default(10_000),
  WATCHDOG_TIMEOUT_MS: count(0, 3_600_000)
    .refine((ms) => ms === 0 || ms >= 1_000, 'must be 0, or a whole number from 1000 to 3600000')
    .default(30_000),
  EGRESS_ALLOW: z
    .string()
    .default('')
    .transform((text) => list(text).filter(Boolean))
    .pipe(z.array(z.union([z.cidrv4(), z.cidrv6()], networkRule))),
  SALESFORCE_API_VERSION: z
    .string()
    .trim()
    .regex(/^(4[1-9]|[5-9]\d|\d{3})\.0$/, 'must be an API version of Salesforce from 41.0 on, such as 66.0')
    .default('66.0'),
  SALESFORCE_REFRESH_DAYS: count(1, 20).default(7),
  SALESFORCE_HOSTS: z
    .string()
    .default('')
    .transform((text) => list(text.toLowerCase()).filter(Boolean))
    .pipe(z.array(z.string().regex(/^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+$/, hostRule))),
  JOURNAL_RETENTION_DAYS: count(1, 3_650).default(7),
  RESULT_RETENTION_DAYS: count(1, 3_650).default(14),
  TASK_RETENTION_DAYS: count(1, 3_650).default(30),
  AUDIT_RETENTION_DAYS: count(1, 36_500).default(365),
  ENTRY_HISTORY: count(1, 10_000).default(10),
  DELIVERY_RETENTION_DAYS: count(1, 3_650).default(14),
  QUOTA_WAITING_TASKS: count(0, maxCounted).default(1_000_000),
  QUOTA_RUNNING_TASKS: count(0, maxCounted).default(10_000),
  QUOTA_STORED_BYTES: count(0, Number.MAX_SAFE_INTEGER).default(107_374_182_400),
  QUOTA_APPLICATION_TOKENS: count(0, maxCounted).default(1_000),
  QUOTA_WEBHOOKS: count(0, maxCounted).default(500),
  RATE_LIMIT_TOKEN: count(0, maxCounted).default(60_000),
  RATE_LIMIT_USER: count(0, maxCounted).default(6_000),
  RATE_LIMIT_ADDRESS: count(0, maxCounted).default(600),
  COST_LIMIT_TOKEN: count(0, maxCounted).default(3_000_000),
  COST_LIMIT_USER: count(0, maxCounted).default(600_000),
  COST_LIMIT_ADDRESS: count(0, maxCounted).default(10_000),
  QUERY_COST_LIMIT: count(0, maxCounted).default(50_000),
  QUERY_DEPTH_LIMIT: count(1, 1_000).default(20),
  QUERY_TOKEN_LIMIT: count(100, 1_000_000).default(10_000),
  QUERY_FIELD_LIMIT: count(10, 1_000_000).default(5_000),
  QUERY_FRAGMENT_LIMIT: count(0, 100_000).default(200),
  QUERY_ALIAS_LIMIT: count(0, 100_000).default(100),
  QUERY_REPEAT_LIMIT: count(0, 100_000).default(50),
  QUERY_DIRECTIVE_LIMIT: count(0, 100_000).default(50),
  BODY_LIMIT_BYTES: count(16_384, 1_073_741_824).default(4_194_304),
  ANONYMOUS_BODY_BYTES: count(1_048_576, 17_179_869_184).default(134_217_728),
  SUBSCRIPTION_LIMIT: count(0, maxCounted).default(1_000),
  SOCKET_LIMIT: count(0, maxCounted).default(100),
  OPERATION_LIMIT: count(0, maxCounted).default(1_000),
  HELD_BYTES_LIMIT: count(0, Number.MAX_SAFE_INTEGER).default(67_108_864),
  LOCK_WAIT_LIMIT: count(0, maxCounted).default(500),
  CORS_ORIGINS: z
    .string()
    .default('')
    .transform((text) => list(text).filter(Boolean))
    .pipe(z.array(z.string().refine(isOrigin, originRule))),
  TRUSTED_PROXIES: z
    .string()
    .default('')
    .transform((text) => list(text).filter(Boolean))
    .pipe(z.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], proxyRule))),
  PERSISTED_OPERATIONS: z.string().min(1).optional(),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], 'must be trace, debug, info, warn, error or silent')
    .default('info'),
  LOG_FORMAT: z.enum(['json', 'pretty'], 'must be json or pretty').optional(),
})

export interface Config {
  readonly production: boolean
  readonly port: number
  readonly host: string
  /** Where others reach this server; derived from host and port when not given. */
  readonly publicUrl: string | undefined
  /** What the console calls this installation, and the color that it shows it by. */
  readonly instance: { readonly name: string | undefined; readonly color: string | undefined }
  readonly databaseUrl: string | undefined
  readonly databasePool: number
  /** Absolute. */
  readonly dataDir: string
  /** What stored secrets are encrypted with; undefined: a key of the data directory's own. */
  readonly secretKey: Uint8Array | undefined
  /** Keys that secrets were encrypted with before. */
  readonly previousSecretKeys: readonly Uint8Array[]
  readonly bootstrapToken: string | undefined
  /** Where people sign in; undefined: by password only. */
  readonly oidc: (OidcSettings & { readonly allowedDomains: readonly string[] }) | undefined
  /** Absolute; undefined: `signalbox.config.ts` in the working directory, when there. */
  readonly configFile: string | undefined
  readonly workingDirectory: string
  readonly roles: { readonly api: boolean; readonly worker: boolean }
  /** How many bytes a part of a result may have. */
  readonly partBytes: number
  readonly slots: number
  readonly criticalSlots: number
  readonly batchWindow: BatchWindow | undefined
  /** How many processes are started before a task needs one. */
  readonly warmTaskProcesses: number
  /** Name or number of the user that tasks run as; undefined: users of their own where the server runs as root. */
  readonly taskUser: string | undefined
  /** How long a worker may be without the database, and others wait for it after a failover, in milliseconds. */
  readonly workerLeaseMs: number
  readonly webhooks: {
    /** Attempts of deliveries under way at once. */
    readonly slots: number
    /** Failed attempts in a row after which a webhook is switched off; 0: never. */
    readonly disableAfter: number
  }
  readonly salesforce: {
    /** The newest API version that is used, such as `66.0`. */
    readonly maxApiVersion: string
    /** After how long without use an org's authorization is used all the same. */
    readonly refreshAfterMs: number
    /** Hosts that count as Salesforce's beside its own. */
    readonly hosts: readonly string[]
  }
  /** How long running tasks may go on after the server was asked to stop. */
  readonly shutdownTimeoutMs: number
  /** How long the event loop may stand still before the process is killed; 0: for ever. */
  readonly watchdogTimeoutMs: number
  /** Private networks that outbound calls may reach all the same, as CIDR. */
  readonly egressAllow: readonly string[]
  readonly retention: {
    readonly journalDays: number
    readonly resultDays: number
    readonly taskDays: number
    readonly auditDays: number
    readonly deliveryDays: number
  }
  /** How many versions of each entry are kept. */
  readonly entryHistory: number
  readonly quotas: Quotas
  readonly limits: Limits
  /** How many of one caller's requests may wait for locks in each process; 0: no limit. */
  readonly lockWaits: number
  readonly documentLimits: DocumentLimits
  /** The largest request to GraphQL, in bytes. */
  readonly bodyBytes: number
  /** How many bytes of bodies are held at once for callers who are not known, in each process. */
  readonly anonymousBodyBytes: number
  /** Whose pages may call from a browser. */
  readonly corsOrigins: readonly string[]
  /** Addresses and networks whose word on where a request came from is taken. */
  readonly trustedProxies: readonly string[]
  /** Absolute; a file or directory of operations, beside which nothing is answered. */
  readonly persistedOperations: string | undefined
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'
  readonly logFormat: 'json' | 'pretty'
  /** Variables that are probably misspelled, a sentence each. */
  readonly warnings: readonly string[]
  /** What task types may be given of it, by name; nothing else reads it. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Reads the configuration from this environment; an empty variable counts as unset.
 * @throws {StartupError} naming everything that is wrong with it, and what would be right.
 */
export function readConfig(
  env: Readonly<Record<string, string | undefined>>,
  options: { workingDirectory: string; isTerminal: boolean; configFile?: string | undefined },
): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = environment.safeParse(given)
  const faults = parsed.success ? crossChecks(parsed.data) : faultsOf(given, parsed.error)
  if (!parsed.success || faults.length > 0)
    throw new StartupError(`The configuration is not valid:\n${faults.map((fault) => `  ${fault}`).join('\n')}`)
  const it = parsed.data
  const configFile = options.configFile ?? it.SIGNALBOX_CONFIG
  return {
    production: it.NODE_ENV === 'production',
    port: it.PORT,
    host: it.HOST,
    publicUrl: it.PUBLIC_URL,
    instance: { name: it.INSTANCE_NAME, color: it.INSTANCE_COLOR },
    databaseUrl: it.DATABASE_URL,
    databasePool: it.DATABASE_POOL,
    dataDir: resolve(options.workingDirectory, it.DATA_DIR),
    secretKey: it.SECRET_KEY,
    previousSecretKeys: it.SECRET_KEY_PREVIOUS,
    bootstrapToken: it.BOOTSTRAP_TOKEN,
    oidc: oidcOf(it),
    configFile: configFile === undefined ? undefined : resolve(options.workingDirectory, configFile),
    workingDirectory: options.workingDirectory,
    roles: { api: it.ROLES.includes('api'), worker: it.ROLES.includes('worker') },
    slots: it.WORKER_SLOTS,
    partBytes: it.PART_BYTES,
    criticalSlots: it.CRITICAL_SLOTS,
    batchWindow: it.BATCH_WINDOW,
    warmTaskProcesses: it.WARM_TASK_PROCESSES,
    taskUser: it.TASK_USER,
    workerLeaseMs: it.WORKER_LEASE_MS,
    webhooks: { slots: it.WEBHOOK_SLOTS, disableAfter: it.WEBHOOK_DISABLE_AFTER },
    salesforce: {
      maxApiVersion: it.SALESFORCE_API_VERSION,
      refreshAfterMs: it.SALESFORCE_REFRESH_DAYS * dayMs,
      hosts: it.SALESFORCE_HOSTS,
    },
    shutdownTimeoutMs: it.SHUTDOWN_TIMEOUT_MS,
    watchdogTimeoutMs: it.WATCHDOG_TIMEOUT_MS,
    egressAllow: it.EGRESS_ALLOW,
    retention: {
      journalDays: it.JOURNAL_RETENTION_DAYS,
      resultDays: it.RESULT_RETENTION_DAYS,
      taskDays: it.TASK_RETENTION_DAYS,
      auditDays: it.AUDIT_RETENTION_DAYS,
      deliveryDays: it.DELIVERY_RETENTION_DAYS,
    },
    entryHistory: it.ENTRY_HISTORY,
    quotas: {
      waitingTasks: it.QUOTA_WAITING_TASKS,
      runningTasks: it.QUOTA_RUNNING_TASKS,
      storedBytes: it.QUOTA_STORED_BYTES,
      applicationTokens: it.QUOTA_APPLICATION_TOKENS,
      webhooks: it.QUOTA_WEBHOOKS,
    },
    limits: limitsOf(it),
    lockWaits: it.LOCK_WAIT_LIMIT,
    documentLimits: {
      depth: it.QUERY_DEPTH_LIMIT,
      tokens: it.QUERY_TOKEN_LIMIT,
      fields: it.QUERY_FIELD_LIMIT,
      fragments: it.QUERY_FRAGMENT_LIMIT,
      aliases: it.QUERY_ALIAS_LIMIT,
      repeats: it.QUERY_REPEAT_LIMIT,
      directives: it.QUERY_DIRECTIVE_LIMIT,
    },
    bodyBytes: it.BODY_LIMIT_BYTES,
    anonymousBodyBytes: it.ANONYMOUS_BODY_BYTES,
    corsOrigins: it.CORS_ORIGINS,
    trustedProxies: it.TRUSTED_PROXIES,
    persistedOperations:
      it.PERSISTED_OPERATIONS === undefined ? undefined : resolve(options.workingDirectory, it.PERSISTED_OPERATIONS),
    logLevel: it.LOG_LEVEL,
    logFormat: it.LOG_FORMAT ?? (options.isTerminal ? 'pretty' : 'json'),
    warnings: unknownVariables(Object.keys(given), Object.keys(environment.shape)),
    env,
  }
}

function limitsOf(it: z.output<typeof environment>): Limits {
  return {
    requests: { token: it.RATE_LIMIT_TOKEN, user: it.RATE_LIMIT_USER, address: it.RATE_LIMIT_ADDRESS },
    cost: { token: it.COST_LIMIT_TOKEN, user: it.COST_LIMIT_USER, address: it.COST_LIMIT_ADDRESS },
    operationCost: it.QUERY_COST_LIMIT,
    subscriptions: it.SUBSCRIPTION_LIMIT,
    sockets: it.SOCKET_LIMIT,
    operations: it.OPERATION_LIMIT,
    heldBytes: it.HELD_BYTES_LIMIT,
  }
}

function oidcOf(it: z.output<typeof environment>): Config['oidc'] {
  if (it.OIDC_ISSUER === undefined || it.OIDC_CLIENT_ID === undefined) return undefined
  return {
    issuer: it.OIDC_ISSUER,
    clientId: it.OIDC_CLIENT_ID,
    clientSecret: it.OIDC_CLIENT_SECRET,
    accessTokenAudience: it.OIDC_ACCESS_TOKEN_AUDIENCE,
    allowedDomains: it.OIDC_ALLOWED_DOMAINS,
    allowInsecure: it.NODE_ENV !== 'production',
  }
}

/** Variables whose values must not be repeated in a message, which may end in a log. */
export const secretVariables: ReadonlySet<string> = new Set([
  'DATABASE_URL',
  'BOOTSTRAP_TOKEN',
  'SECRET_KEY',
  'SECRET_KEY_PREVIOUS',
  'OIDC_CLIENT_SECRET',
])

/** One sentence for each variable, however many of its items are wrong. */
function faultsOf(given: Readonly<Record<string, string | undefined>>, { issues }: z.ZodError): string[] {
  const rules = new Map(issues.map(({ path, message }) => [String(path[0]), message]))
  return [...rules].map(([name, rule]) => {
    const fault = `${name}: ${rule}`
    return secretVariables.has(name) ? fault : `${fault}; it is ${JSON.stringify(given[name])}`
  })
}

/** What the largest message of a WebSocket, or body of a REST request, may have. */
const minHeldBytes = 2 * 1024 * 1024

/** Both values are named, since one of them may be a default that nobody has thought of. */
function crossChecks(it: z.output<typeof environment>): string[] {
  const { CRITICAL_SLOTS, WORKER_SLOTS, RESULT_RETENTION_DAYS, TASK_RETENTION_DAYS } = it
  const faults: string[] = []
  if (CRITICAL_SLOTS >= WORKER_SLOTS)
    faults.push(
      'CRITICAL_SLOTS: must be less than WORKER_SLOTS, or nothing but CRITICAL tasks would ever run; ' +
        `it is ${CRITICAL_SLOTS}, and WORKER_SLOTS is ${WORKER_SLOTS}`,
    )
  if (RESULT_RETENTION_DAYS > TASK_RETENTION_DAYS)
    faults.push(
      'RESULT_RETENTION_DAYS: must not be more than TASK_RETENTION_DAYS, since a result goes with its task; ' +
        `it is ${RESULT_RETENTION_DAYS}, and TASK_RETENTION_DAYS is ${TASK_RETENTION_DAYS}`,
    )
  if ((it.OIDC_ISSUER === undefined) !== (it.OIDC_CLIENT_ID === undefined))
    faults.push('OIDC_ISSUER, OIDC_CLIENT_ID: must be given together; without both, people sign in by password')
  if (it.HELD_BYTES_LIMIT > 0 && it.HELD_BYTES_LIMIT < Math.max(it.BODY_LIMIT_BYTES, minHeldBytes))
    faults.push(
      'HELD_BYTES_LIMIT: must not be less than BODY_LIMIT_BYTES, nor than 2 MiB, or the largest requests could never be ' +
        `made; it is ${it.HELD_BYTES_LIMIT}, and BODY_LIMIT_BYTES is ${it.BODY_LIMIT_BYTES}`,
    )
  for (const name of ['COST_LIMIT_TOKEN', 'COST_LIMIT_USER'] as const)
    if (it[name] > 0 && it.QUERY_COST_LIMIT > it[name])
      faults.push(
        `QUERY_COST_LIMIT: must not be more than ${name}, or the largest operations could never be run; ` +
          `it is ${it.QUERY_COST_LIMIT}, and ${name} is ${it[name]}`,
      )
  return faults
}
