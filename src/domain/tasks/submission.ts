import { hash } from 'node:crypto'
import { z } from 'zod'
import type { Caller } from '#domain/access/service.ts'
import { invalidInput } from '#lib/errors.ts'
import { inexactNumber } from '#lib/exact-json.ts'
import { newId } from '#lib/ids.ts'
import { isStorable } from '#lib/json.ts'
import { isNestedBeyond, tooDeep } from '#lib/json-depth.ts'
import { faultPath } from '#lib/json-rule.ts'
import { inWords, issuesOf } from '#lib/parse.ts'
import { hashRequest } from '#platform/database/idempotency.ts'
import { type DependencyRequest, dependencyFailures, dependencyLimits, type TaskLinks } from './dependencies.ts'
import { UnknownTaskType } from './errors.ts'
import type { RegisteredType } from './remote/registered-type.ts'
import { retryInput } from './retry-input.ts'
import { defaultRetryPolicy } from './retry-plan.ts'
import { submitted } from './state-machine.ts'
import type { NewTask } from './store/tasks.ts'
import { priorities } from './task.ts'
import { type TaskType, taskDefaults } from './task-type.ts'
import { waitsInLane } from './turns.ts'
import type { HoldReason } from './waiting.ts'

const dayMs = 24 * 60 * 60 * 1000
const defaultLockMs = 300_000
/** The largest input, as JSON. */
const inputBytes = 1024 * 1024

const shortText = (max: number) => z.string().min(1).max(max)

const dependsOn = z
  .array(z.strictObject({ taskId: shortText(64), onFailure: z.enum(dependencyFailures).default('FAIL') }))
  .max(dependencyLimits.dependencies, `at most ${dependencyLimits.dependencies} dependencies`)
  .refine(areDistinct, 'each task at most once')

/** What a caller may ask for; `input` is checked against the task type afterwards. */
const submission = z.strictObject({
  type: shortText(64),
  input: z.unknown(),
  priority: z.enum(priorities).optional(),
  runAt: z.date().optional(),
  singletonKey: shortText(255).optional(),
  idempotencyKey: shortText(255).optional(),
  fairnessKey: shortText(255).optional(),
  fairnessWeight: z.int().min(1).max(100).optional(),
  rank: z.int().min(-100).max(100).optional(),
  concurrencyKey: shortText(255).optional(),
  timeoutMs: z
    .int()
    .min(1)
    .max(7 * dayMs)
    .optional(),
  lockMs: z.int().min(1_000).max(dayMs).optional(),
  retry: retryInput.optional(),
  labels: z
    .record(shortText(63), z.string().max(255))
    .refine((labels) => Object.keys(labels).length <= 32, 'at most 32 labels')
    .optional(),
  dependsOn: dependsOn.optional(),
  parentId: shortText(64).optional(),
})
export type Submission = z.input<typeof submission>

/** On whose behalf a task is submitted. */
export type TaskAuthor = Pick<Caller, 'accountId' | 'principalId' | 'by' | 'must' | 'can'> &
  Partial<Pick<Caller, 'ownerId'>>

/** The task types that a caller can submit tasks of. */
export interface SubmittableTypes {
  get(name: string): TaskType | RegisteredType | undefined
  /** All that there are, for a refusal. */
  list(): readonly { readonly name: string }[]
}

/**
 * Turns a request into the task to be written. The input of a registered type is still to be checked against its schema.
 * @throws {Forbidden} @throws {UnknownTaskType} @throws {InvalidInput} with path and reason of everything that is wrong.
 */
export function planTask(caller: TaskAuthor, request: Submission, types: SubmittableTypes, now: Date): NewTask {
  const parsed = submission.safeParse(request, inWords)
  if (!parsed.success) throw invalidInput('The task', issuesOf(parsed.error))
  const wanted = parsed.data
  mustBeShallow(wanted.input)
  if (!isStorable(wanted))
    throw invalidInput('The task', [{ path: '', message: 'it holds a NUL character or half of a surrogate pair' }])
  const type = types.get(wanted.type)
  if (type === undefined)
    throw new UnknownTaskType(
      wanted.type,
      types.list().map(({ name }) => name),
    )
  if (type.scope !== undefined) caller.must(type.scope)
  const checked = checkInput(caller, type, wanted.input)
  const defaults = taskDefaults(type, checked.input)
  const { priority, timeoutMs, lockMs, labels, fairnessKey, concurrencyKey, idempotencyKey, runAt } = wanted
  const { status } = submitted(runAt, now)
  const rank = wanted.rank ?? 0
  const isRemote = isRegistered(type)
  return {
    accountId: caller.accountId,
    id: newId(),
    jobId: newId(),
    type: type.name,
    priority: priority ?? defaults.priority,
    input: wanted.input,
    storedBytes: checked.sizeBytes + Buffer.byteLength(JSON.stringify(labels ?? {})),
    labels: labels ?? {},
    fairnessKey,
    fairnessWeight: wanted.fairnessWeight ?? 1,
    rank,
    held: holdReason({ fairnessKey, rank, status, isRemote }),
    concurrencyKey: concurrencyKey ?? keyOf(type, checked.input),
    singletonKey: wanted.singletonKey,
    idempotencyKey,
    principalId: caller.principalId,
    submitterId: caller.ownerId ?? caller.principalId,
    request: wanted,
    requestHash: idempotencyKey === undefined ? undefined : hashRequest(wanted),
    timeoutMs: timeoutMs ?? defaults.timeoutMs,
    lockMs: lockMs ?? defaultLockMs,
    retry: {
      ...defaultRetryPolicy,
      ...defaults.retry,
      ...given(wanted.retry ?? {}),
      onWorkerLost: defaults.onWorkerLost,
    },
    by: caller.by(),
    status,
    runAt,
    links: linksOf(caller, wanted),
    isRemote,
  }
}

function areDistinct(dependencies: readonly DependencyRequest[]): boolean {
  return new Set(dependencies.map(({ taskId }) => taskId.toLowerCase())).size === dependencies.length
}

/** A caller may depend on tasks that they may see, and submit children of tasks that they may change. */
function linksOf(
  caller: TaskAuthor,
  { dependsOn = [], parentId }: Pick<z.output<typeof submission>, 'dependsOn' | 'parentId'>,
): TaskLinks | undefined {
  if (dependsOn.length === 0 && parentId === undefined) return undefined
  return {
    dependsOn,
    parentId,
    mayDependOn: (type) => caller.can('tasks:read', type),
    mayBeParent: (type) => caller.can('tasks:write', type),
  }
}

/** Whether tasks of a type are for remote workers. */
export function isRegistered(type: TaskType | RegisteredType): type is RegisteredType {
  return 'row' in type
}

/** Why a new task can't be claimed from the queue, though it is due. */
function holdReason(task: Parameters<typeof waitsInLane>[0]): HoldReason | undefined {
  if (task.isRemote && task.status === 'PENDING') return 'WORKER'
  return waitsInLane(task) ? 'SHARE' : undefined
}

/** The concurrency key of a task that names none; undefined when its type has no limit. */
function keyOf({ name, concurrency }: Pick<TaskType, 'name' | 'concurrency'>, input: unknown): string | undefined {
  if (concurrency === undefined) return undefined
  return concurrency.key === undefined ? name : concurrency.key(input)
}

/** Without what was left open. */
function given<Input extends object>(input: Input): { [Key in keyof Input]?: NonNullable<Input[Key]> } {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as never
}

/**
 * The input as the type's schema parses it, and its size as it is kept. @throws {Forbidden} when it refers to tasks that
 * the caller may not see @throws {InvalidInput}
 */
function checkInput(
  caller: Pick<Caller, 'must'>,
  type: TaskType | RegisteredType,
  input: unknown,
): { input: unknown; sizeBytes: number } {
  const fault = inexactNumber(input)
  if (fault !== undefined)
    throw invalidInput('The input', [{ path: faultPath('input', fault), message: fault.message }])
  const sizeBytes = Buffer.byteLength(JSON.stringify(input) ?? '')
  if (sizeBytes > inputBytes)
    throw invalidInput('The input', [
      { path: 'input', message: `has ${sizeBytes} bytes; at most ${inputBytes} are kept` },
    ])
  if (isRegistered(type)) return { input, sizeBytes }
  const parsed = type.input.safeParse(input, inWords)
  if (!parsed.success) throw invalidInput(`The input of "${type.name}"`, issuesOf(parsed.error, 'input'))
  for (const read of type.reads?.(parsed.data) ?? []) caller.must('tasks:read', read)
  return { input: parsed.data, sizeBytes }
}

/**
 * Checks the new input of a task that exists already, and returns its size; the input of a registered type is still to be
 * checked against its schema. @throws {Forbidden} @throws {InvalidInput}
 */
export function replaceInput(
  caller: Pick<Caller, 'must'>,
  type: TaskType | RegisteredType,
  input: unknown,
): { sizeBytes: number } {
  mustBeShallow(input)
  if (!isStorable(input))
    throw invalidInput('The input', [
      { path: 'input', message: 'it holds a NUL character or half of a surrogate pair' },
    ])
  return checkInput(caller, type, input)
}

function mustBeShallow(input: unknown): void {
  if (isNestedBeyond(input)) throw invalidInput('The input', [{ path: 'input', message: tooDeep() }])
}

/** Whether a stored hash is that of the request, in the form of this release or of older ones. */
export function isHashOf(stored: Buffer, request: object): boolean {
  return stored.equals(hashRequest(request)) || stored.equals(hash('sha256', olderForm(request), 'buffer'))
}

/** How releases before RFC 8785 wrote a request: names that look like array indices came first, by their number. */
function olderForm(request: object): string {
  return JSON.stringify(request, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
