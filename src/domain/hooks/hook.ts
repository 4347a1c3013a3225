import { z } from 'zod'
import { isRecord } from '#lib/json.ts'

/** How those who call prove who they are. */
const senders = ['github', 'gitlab', 'bitbucket', 'azure-devops', 'standard-webhooks', 'shared-secret'] as const
export type Sender = (typeof senders)[number]

/** A call from outside whose signature is right. */
export interface HookCall {
  /** The hook's id. */
  readonly hook: string
  /** What the sender calls it: GitHub's event and action, such as `pull_request.opened`, else its `type` or kind. */
  readonly event: string
  /** What makes repeats harmless; undefined when the sender gave none. */
  readonly deliveryId: string | undefined
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  // biome-ignore lint/suspicious/noExplicitAny: what a sender sends has no type; rules read it as they know it
  readonly body: any
}

/** Which calls become which task. */
export interface HookRule {
  /** Events, or families such as `pull_request.*` and `repo:*`; all when absent. */
  readonly events?: readonly string[]
  /** Whether this call is meant, for what names can't say. */
  readonly when?: (call: HookCall) => boolean
  /** The task's type. */
  readonly type: string
  readonly priority?: 'CRITICAL' | 'NORMAL' | 'BATCH'
  /** The task's input, or what makes it of the call. */
  readonly input?: Readonly<Record<string, unknown>> | ((call: HookCall) => unknown)
  /** Tasks of one key take turns with those of others. */
  readonly fairnessKey?: string | ((call: HookCall) => string)
  readonly labels?: Readonly<Record<string, string>>
}

/** An address under `/hooks/` that others call. */
export interface HookConfig {
  readonly sender: Sender
  /** The environment variable with the secret; several while it is changed: any of them is right. */
  readonly secretEnv: string | readonly string[]
  /**
   * shared-secret and azure-devops: the header that carries it, as it is or as a bearer token; for azure-devops also as the
   * password of Basic authentication. Default: `authorization`.
   */
  readonly header?: string
  /** The account that the tasks belong to, by its id. Default: the installation's first. */
  readonly account?: string
  /** The largest call, in bytes. Default: 1 MiB; at most 25 MiB, which is what GitHub sends. */
  readonly maxBytes?: number
  /** Each matching rule creates a task; without a match the call is accepted and nothing follows. */
  readonly rules: readonly HookRule[]
}

const mebibyte = 1024 * 1024
export const defaultHookBytes = mebibyte
const largestHookBytes = 25 * mebibyte

const text = z.string('must be a text')
const variable = text.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable')
const isFunction = (value: unknown) => typeof value === 'function'

const ruleSchema = z.strictObject({
  events: z
    .array(text.regex(/^[\w.:-]+([.:]\*)?$/, 'must be an event or a family, such as push.* or repo:*'))
    .optional(),
  when: z.custom(isFunction, 'must be a function').optional(),
  type: text.min(1, 'must name a task type'),
  priority: z.enum(['CRITICAL', 'NORMAL', 'BATCH'], 'must be CRITICAL, NORMAL or BATCH').optional(),
  input: z.union([z.record(text, z.unknown()), z.custom(isFunction)], 'must be an object or a function').optional(),
  fairnessKey: z.union([text, z.custom(isFunction)], 'must be a text or a function').optional(),
  labels: z.record(text, text, 'must be an object of texts').optional(),
})

const hookSchema = z
  .strictObject({
    sender: z.enum(senders, `must be ${senders.join(', ')}`),
    secretEnv: z.union([variable, z.array(variable).min(1)], 'must be the name of an environment variable, or several'),
    header: text.regex(/^[A-Za-z0-9-]{1,64}$/, 'must be the name of a header').optional(),
    account: z.uuid('must be the id of an account').optional(),
    maxBytes: z
      .int('must be a whole number')
      .min(1, 'must be above 0')
      .max(largestHookBytes, `must be at most ${largestHookBytes}`)
      .optional(),
    rules: z.array(ruleSchema, 'must be a list').max(100, 'must be at most 100 rules'),
  })
  .refine((hook) => hook.header === undefined || ['shared-secret', 'azure-devops'].includes(hook.sender), {
    path: ['header'],
    message: 'is for the senders shared-secret and azure-devops only',
  })

const hookId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'has an id with other than a-z, 0-9 and -')

/** The part `hooks` of a configuration file. */
export const hooksSchema = z.record(hookId, hookSchema, 'must be an object of hooks by their ids')

/** Whether a rule is about a call. What `when` throws is thrown on. */
export function isAbout(rule: HookRule, call: HookCall): boolean {
  const named = rule.events?.some((event) => isEvent(event, call.event)) ?? true
  return named && (rule.when?.(call) ?? true)
}

function isEvent(wanted: string, event: string): boolean {
  if (!/[.:]\*$/.test(wanted)) return wanted === event
  return event === wanted.slice(0, -2) || event.startsWith(wanted.slice(0, -1))
}

/** A task as a rule wants it of a call. */
export function taskOf(rule: HookRule, call: HookCall) {
  const { type, priority, input, fairnessKey, labels } = rule
  return {
    type,
    input: typeof input === 'function' ? input(call) : (input ?? {}),
    ...(priority && { priority }),
    ...(fairnessKey !== undefined && {
      fairnessKey: typeof fairnessKey === 'function' ? fairnessKey(call) : fairnessKey,
    }),
    ...(labels && { labels }),
  }
}

/** A text in a body, at a key of its own; undefined for anything else. */
export function textAt(body: unknown, key: string): string | undefined {
  const value = isRecord(body) ? body[key] : undefined
  return typeof value === 'string' ? value : undefined
}
