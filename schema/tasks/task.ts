import type { RetryPolicy } from '#domain/tasks/retry-plan.ts'
import {
  type AttemptStatus,
  attemptStatus,
  hasEnded,
  type PastAttempt,
  type priorities,
  type TaskStatus,
  type taskStatuses,
} from '#domain/tasks/task.ts'
import { isCancelForced, type TaskError } from '#domain/tasks/task-error.ts'
import { type Waiting, type WaitReason, waitsForWorker } from '#domain/tasks/waiting.ts'
import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import type { Actor } from '#platform/journal/entry.ts'
import { builder } from '#schema/builder.ts'
import { separateRead } from '#schema/complexity.ts'
import { described } from '#schema/described.ts'
import { NodeRef } from '#schema/node.ts'
import { connectionOf, nodeQuery, pageOf, pageSize } from '#schema/pagination.ts'
import { TaskApproval, TaskStep } from './durable.ts'

export const PriorityEnum = builder.enumType('Priority', {
  description: 'The queue of a task. Some slots are reserved for CRITICAL; BATCH never starves.',
  values: described<(typeof priorities)[number]>({
    CRITICAL: 'Runs first, in reserved slots.',
    NORMAL: 'The default.',
    BATCH: 'Runs when nothing else waits, but never starves.',
  }),
})

export const TaskStatusEnum = builder.enumType('TaskStatus', {
  description: 'SCHEDULED (not due yet), PENDING, ACTIVE, and then COMPLETED, FAILED or CANCELLED.',
  values: described<(typeof taskStatuses)[number]>({
    SCHEDULED: 'It is not due yet.',
    PENDING: 'It is waiting for a slot.',
    ACTIVE: 'An attempt is running.',
    COMPLETED: 'It has ended with a result.',
    FAILED: 'It has ended with an error.',
    CANCELLED: 'It was cancelled.',
  }),
})

const TaskErrorRef = builder.objectRef<TaskError>('TaskError').implement({
  description: 'Why a task, or one of its attempts, failed.',
  fields: (t) => ({
    code: t.exposeString('code', {
      description: 'A stable code, such as HANDLER_FAILED, TIMEOUT, EXITED or WORKER_LOST; task types add their own.',
    }),
    message: t.exposeString('message', { description: 'A human-readable sentence.' }),
    stack: t.string({
      nullable: true,
      description: 'The stack trace; for owners only.',
      resolve: (error, _args, { caller }) => (caller.role === 'OWNER' ? (error.stack ?? null) : null),
    }),
    retryable: t.exposeBoolean('retryable', { description: 'Whether a retry could help.' }),
    retryAfterMs: t.int({
      nullable: true,
      description:
        'How long the next attempt waits because this one asked for it, in milliseconds; null if it did not.',
      resolve: ({ retryAfterMs }) => retryAfterMs,
    }),
  }),
})

const TaskAttemptStatusEnum = builder.enumType('TaskAttemptStatus', {
  description: 'Where an attempt is, or how it ended.',
  values: described<AttemptStatus>({
    ACTIVE: 'It is running.',
    COMPLETED: 'It ended with a result.',
    FAILED: 'It failed.',
    CANCELLED: 'It was stopped because the task was cancelled.',
    LOST: 'Its worker was lost.',
    WAITED: 'It ended because the task waited for something; the next one continued, and it does not count.',
    PREEMPTED: 'It was stopped because a CRITICAL task needed its slot; it does not count.',
  }),
})

interface AttemptFields extends Omit<PastAttempt, 'status' | 'finishedAt'> {
  readonly status: AttemptStatus
  readonly finishedAt: Date | null
  readonly checkpoint: unknown
}

const TaskAttempt = builder.objectRef<AttemptFields>('TaskAttempt').implement({
  description: 'One execution of a task.',
  fields: (t) => ({
    number: t.exposeInt('number', { description: '1 for the first.' }),
    status: t.expose('status', { type: TaskAttemptStatusEnum, description: 'Where it is, or how it ended.' }),
    workerId: t.id({
      nullable: true,
      description: 'The id of the worker that ran it; null where an older version recorded it.',
      resolve: ({ workerId }) => workerId?.toString(),
    }),
    worker: t.string({
      nullable: true,
      description: 'The name of that worker.',
      resolve: ({ workerId }) => workerName(workerId),
    }),
    startedAt: t.expose('startedAt', { type: 'DateTime', description: 'When it began.' }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ended; null while it runs.',
    }),
    error: t.expose('error', { type: TaskErrorRef, nullable: true, description: 'Why it failed; null if it did not.' }),
    checkpoint: t.expose('checkpoint', {
      type: 'JSON',
      nullable: true,
      description: 'What it saved for the next attempt, unless a later one has saved something since.',
    }),
  }),
})

function workerName(id: number | null): string | null {
  return id === null ? null : `worker-${id}`
}

const BackoffEnum = builder.enumType('Backoff', {
  description: 'How the delay between attempts grows.',
  values: {
    FIXED: { value: 'fixed', description: 'Always the same.' },
    LINEAR: { value: 'linear', description: 'Grows by the same amount each time.' },
    EXPONENTIAL: { value: 'exponential', description: 'Doubles each time.' },
  } as const,
})

export { BackoffEnum }

export const OnWorkerLostEnum = builder.enumType('OnWorkerLost', {
  description: 'What happens when the worker of an attempt is lost.',
  values: {
    FAIL: { value: 'fail', description: 'The attempt has failed, and counts.' },
    RETRY: {
      value: 'retry',
      description: 'Another attempt follows at once. The lost one does not count, up to five times.',
    },
  } as const,
})

const RetryPolicyRef = builder.objectRef<RetryPolicy>('RetryPolicy').implement({
  description: 'The retry policy.',
  fields: (t) => ({
    maxAttempts: t.exposeInt('maxAttempts', { description: 'Maximum number of attempts.' }),
    backoff: t.expose('backoff', { type: BackoffEnum, description: 'How the delay between attempts grows.' }),
    delayMs: t.exposeInt('delayMs', { description: 'Delay before the second attempt, in milliseconds.' }),
    maxDelayMs: t.exposeInt('maxDelayMs', { description: 'Upper limit of the delay, in milliseconds.' }),
    jitter: t.float({
      description: 'Each delay is shortened by a random share of at most this, 0 to 1.',
      resolve: ({ jitter = 0 }) => jitter,
    }),
    retryOn: t.stringList({
      nullable: true,
      description: 'Only errors with these codes are retried; null: all that may be retried.',
      resolve: ({ retryOn }) => retryOn,
    }),
    onWorkerLost: t.field({
      type: OnWorkerLostEnum,
      description: 'What happens when the worker of an attempt is lost; the task type decides.',
      // Tasks from before there was a choice don't have it.
      resolve: ({ onWorkerLost = 'fail' }: Partial<RetryPolicy>) => onWorkerLost,
    }),
  }),
})

const TaskLog = builder.prismaObject('TaskLog', {
  description: 'One line that a task logged.',
  select: { seq: true },
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime', description: 'When it was logged.' }),
    attempt: t.exposeInt('attempt', { description: 'The number of the attempt, from 1.' }),
    message: t.exposeString('message', { description: 'The line without its line ending.' }),
  }),
})
const TaskLogConnection = connectionOf('TaskLog', TaskLog)

export const TaskPart = builder.prismaObject('TaskPart', {
  description: 'A named piece of a task’s result; it can be read while the task is still running.',
  select: { taskId: true, name: true },
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Unique within the task.' }),
    contentType: t.exposeString('contentType', { description: 'Its media type.' }),
    sizeBytes: t.exposeInt('sizeBytes', { description: 'Its size so far.' }),
    complete: t.exposeBoolean('complete', { description: 'False while it is still being written.' }),
    sha256: t.string({
      nullable: true,
      description: 'The SHA-256 of its bytes in hexadecimal digits; null until it is complete.',
      select: { sha256: true },
      resolve: ({ sha256 }) => (sha256 === null ? null : Buffer.from(sha256).toString('hex')),
    }),
    attempt: t.exposeInt('attempt', { description: 'The number of the attempt, from 1.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the first byte was written.' }),
    bytes: t.field({
      type: 'Base64',
      description: 'A range of its bytes, at most 1 MiB; shorter at the end.',
      complexity: separateRead,
      args: {
        offset: t.arg.int({ defaultValue: 0, required: true, description: 'Offset of the first byte.' }),
        length: t.arg.int({ defaultValue: 262_144, required: true, description: 'Number of bytes.' }),
      },
      resolve: (part, { offset, length }, { caller, tasks }) =>
        tasks.readPart(caller, part.taskId, part.name, offset, length),
    }),
    text: t.field({
      type: 'String',
      description: 'Its beginning as text, at most 256 KiB.',
      complexity: separateRead,
      resolve: async (part, _args, { caller, tasks }) =>
        (await tasks.readPart(caller, part.taskId, part.name, 0, 262_144)).toString('utf8'),
    }),
  }),
})

const TaskWaitReasonEnum = builder.enumType('TaskWaitReason', {
  description: 'Why a task is waiting.',
  values: described<WaitReason>({
    SLOT: 'It is its turn next, or all slots for its priority are taken.',
    SCHEDULE: 'It is not due yet.',
    WINDOW: 'BATCH tasks may not start at this time of day.',
    RETRY: 'An attempt failed, and the next one is not due yet.',
    DEPENDENCY: 'Tasks that it depends on have not ended yet.',
    NO_WORKER: 'No worker that claims tasks of its type is connected.',
    EVENT: 'It waits for an event from `signalTask`.',
    APPROVAL: 'It waits for an approval.',
    TASK: 'It waits for another task.',
    PAUSED: 'Its priority, its type or its concurrency key is paused.',
    CONCURRENCY: 'As many tasks with its concurrency key are running as may run at once.',
    RATE: 'As many tasks of its type have started as its rate limit allows.',
    SHARE: 'Tasks of the account with other fairness keys, or a higher rank, have their turns before it.',
    QUOTA: 'The account is running as many tasks as its quota allows.',
  }),
})

const TaskWaiting = builder.objectRef<Waiting>('TaskWaiting').implement({
  description: 'Why a task is waiting, since when, and how many are before it.',
  fields: (t) => ({
    reason: t.expose('reason', { type: TaskWaitReasonEnum, description: 'The reason.' }),
    since: t.expose('since', { type: 'DateTime', description: 'Since when it has been waiting for this reason.' }),
    message: t.exposeString('message', { description: 'The reason as a sentence.' }),
    ahead: t.int({
      nullable: true,
      description:
        'SLOT: how many tasks start before it. CONCURRENCY: how many with the same key do. DEPENDENCY: how many have to end. Null otherwise, or when more than 10,000 do.',
      complexity: separateRead,
      resolve: async (waiting, _args, { tasks }) => (await tasks.countAhead(waiting)) ?? null,
    }),
  }),
})

export const TaskRef = builder.prismaObject('Task', {
  interfaces: [NodeRef],
  description: 'A piece of work of a registered type.',
  select: { id: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Stable; sorts by creation.' }),
    type: t.exposeString('type', { description: 'The name of its task type.' }),
    priority: t.expose('priority', { type: PriorityEnum, description: 'Its priority.' }),
    status: t.expose('status', { type: TaskStatusEnum, description: 'Its status.' }),
    progress: t.int({
      description: '0 to 100.',
      select: { progress: true, status: true },
      resolve: (task, _args, { tasks }) =>
        (task.status === 'ACTIVE' ? tasks.liveProgress(task.id) : undefined) ?? task.progress,
    }),
    currentStep: t.exposeString('currentStep', {
      nullable: true,
      description: 'The step that it is in, or was in last.',
    }),
    input: t.field({
      type: 'JSON',
      description: 'The input that it was submitted with.',
      select: { input: true },
      resolve: (task) => task.input,
    }),
    result: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Its result; null until it is COMPLETED, and after the result’s retention.',
      select: { result: true },
      resolve: (task) => task.result,
    }),
    resultExpired: t.exposeBoolean('resultExpired', {
      description: 'Whether its result has expired.',
    }),
    error: t.field({
      type: TaskErrorRef,
      nullable: true,
      description: 'Why it, or its latest attempt, failed.',
      select: { error: true },
      resolve: (task) => task.error as TaskError | null,
    }),
    attempt: t.exposeInt('attempt', { description: 'The number of the current or last attempt; 0 before the first.' }),
    attempts: t.field({
      type: [TaskAttempt],
      description: 'All attempts, oldest first.',
      select: {
        attempt: true,
        workerId: true,
        startedAt: true,
        finishedAt: true,
        error: true,
        status: true,
        pastAttempts: { orderBy: { number: 'asc' } },
        checkpoint: { select: { attempt: true, value: true } },
      },
      resolve: attemptsOf,
    }),
    checkpoint: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What its attempts saved last for the next one.',
      select: { checkpoint: { select: { value: true } } },
      resolve: ({ checkpoint }) => checkpoint?.value,
    }),
    retry: t.field({
      type: RetryPolicyRef,
      description: 'The retry policy.',
      select: { retry: true },
      resolve: (task) => task.retry as unknown as RetryPolicy,
    }),
    labels: t.field({
      type: 'JSON',
      description: 'Names with values, to find tasks by.',
      select: { labels: true },
      resolve: (task) => task.labels,
    }),
    fairnessKey: t.exposeString('fairnessKey', { nullable: true, description: 'As submitted.' }),
    rank: t.exposeInt('rank', { description: '-100 to 100; within its lane, tasks with a higher rank start first.' }),
    concurrencyKey: t.exposeString('concurrencyKey', {
      nullable: true,
      description: 'Limits how many tasks with the same key run at once.',
    }),
    waiting: t.field({
      type: TaskWaiting,
      nullable: true,
      description: 'Why it is waiting; null unless it is.',
      select: {
        accountId: true,
        id: true,
        type: true,
        status: true,
        priority: true,
        attempt: true,
        createdAt: true,
        runAt: true,
        held: true,
        heldAt: true,
        concurrencyKey: true,
        jobId: true,
        pastAttempts: { orderBy: { number: 'desc' }, take: 1, select: { finishedAt: true } },
        waits: { where: { endedAt: null }, orderBy: { startedAt: 'desc' }, take: 1, select: { name: true } },
      },
      resolve: async ({ pastAttempts, waits, ...task }, _args, { caller, tasks, remoteWork }) => {
        const row = { ...task, lastFinishedAt: pastAttempts[0]?.finishedAt ?? null, waitsFor: waits[0]?.name ?? null }
        return tasks.waiting(row, waitsForWorker(row) && (await remoteWork.isServed(caller, row.type)))
      },
    }),
    approvals: t.field({
      type: [TaskApproval],
      description: 'What it has asked somebody to approve, oldest first; at most 100.',
      select: { status: true, waits: { where: { kind: 'APPROVAL' }, orderBy: { startedAt: 'asc' }, take: 100 } },
      resolve: ({ status, waits }) => waits.map((wait) => ({ ...wait, isTaskOver: hasEnded(status) })),
    }),
    steps: t.field({
      type: [TaskStep],
      description: 'Steps that are done and that later attempts do not repeat, oldest first; at most 200.',
      select: {
        steps: {
          orderBy: [{ finishedAt: 'asc' }, { name: 'asc' }],
          take: 200,
          select: { name: true, attempt: true, startedAt: true, finishedAt: true, sizeBytes: true },
        },
      },
      resolve: ({ steps }) => steps,
    }),
    singletonKey: t.exposeString('singletonKey', {
      nullable: true,
      description: 'At most one task of its type with the same key waits or runs.',
    }),
    idempotencyKey: t.exposeString('idempotencyKey', { nullable: true, description: 'As submitted.' }),
    timeoutMs: t.exposeInt('timeoutMs', { description: 'How long an attempt may take, in milliseconds.' }),
    lockMs: t.exposeInt('lockMs', {
      description: 'How long an attempt may go without a heartbeat, in milliseconds.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was submitted.' }),
    runAt: t.expose('runAt', { type: 'DateTime', description: 'When it is or was due.' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', nullable: true, description: 'When its last attempt began.' }),
    finishedAt: t.expose('finishedAt', { type: 'DateTime', nullable: true, description: 'When it ended.' }),
    cancelRequestedAt: t.expose('cancelRequestedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was asked to stop.',
    }),
    cancelAcknowledgedAt: t.expose('cancelAcknowledgedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the attempt that ran was told to stop; null before, and where none ran.',
    }),
    cancelForced: t.boolean({
      description: 'It did not stop within its grace period after it was cancelled, and was ended.',
      select: { error: true },
      resolve: ({ error }) => error !== null && isCancelForced(error as unknown as TaskError),
    }),
    cancelReason: t.exposeString('cancelReason', { nullable: true, description: 'Why it was asked to stop.' }),
    createdBy: t.field({
      type: 'Actor',
      description: 'Who submitted it.',
      select: { createdBy: true },
      resolve: (task) => task.createdBy as unknown as Actor,
    }),
    worker: t.string({
      nullable: true,
      description: 'The worker that is running it.',
      select: { workerId: true, status: true },
      resolve: (task) => (task.status === 'ACTIVE' ? workerName(task.workerId) : null),
    }),
    parts: t.relation('parts', {
      description: 'The parts of the result, in the order in which they were started; at most 100.',
      query: { orderBy: [{ createdAt: 'asc' }, { name: 'asc' }], take: 100 },
    }),
    part: t.prismaField({
      type: TaskPart,
      nullable: true,
      description: 'One part of the result.',
      args: { name: t.arg.string({ required: true, description: 'Its name.' }) },
      resolve: (query, task, { name }, { caller, db }) =>
        db.taskPart.findUnique({
          ...query,
          where: { accountId_taskId_name: { accountId: caller.accountId, taskId: task.id, name } },
        }),
    }),
    logs: t.field({
      type: TaskLogConnection,
      description: 'Its log, oldest line first.',
      args: {
        after: t.arg.string({ description: 'Continue after this cursor.' }),
        first: t.arg.int({ description: 'Page size, 1 to 200; default 50.' }),
        from: t.arg({ type: 'DateTime', description: 'Not before.' }),
        to: t.arg({ type: 'DateTime', description: 'Not after.' }),
      },
      resolve: async (task, { after, first, from, to }, context, info) => {
        const size = pageSize(first)
        const read = await context.db.taskLog.findMany({
          ...nodeQuery(context, info, 'TaskLog'),
          where: {
            taskId: task.id,
            at: { ...(from && { gte: from }), ...(to && { lte: to }) },
            ...(after && { seq: { gt: parseLogCursor(task.id, after) } }),
          },
          orderBy: { seq: 'asc' },
          take: size + 1,
        })
        return pageOf(read, size, after, (line) => encodeCursor('log', [task.id, line.seq.toString()]))
      },
    }),
  }),
})

function parseLogCursor(taskId: string, cursor: string): bigint {
  const [id, seq] = decodeCursor('log', cursor, 2)
  if (id !== taskId || seq === undefined || !/^\d{1,18}$/.test(seq)) throw new InvalidCursor()
  return BigInt(seq)
}

interface AttemptColumns {
  readonly attempt: number
  readonly workerId: number | null
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
  readonly error: unknown
  readonly status: TaskStatus
  readonly pastAttempts: readonly { readonly number: number; readonly error: unknown }[]
  readonly checkpoint: { readonly attempt: number; readonly value: unknown } | null
}

function attemptsOf(task: AttemptColumns): AttemptFields[] {
  const past = task.pastAttempts as unknown as readonly PastAttempt[]
  const isPast = past.at(-1)?.number === task.attempt
  const isOld = task.startedAt === null || task.attempt === 0 || isPast
  const all = isOld ? past : [...past, lastAttemptOf(task, task.startedAt)]
  const { checkpoint } = task
  return all.map((one) => ({ ...one, checkpoint: one.number === checkpoint?.attempt ? checkpoint.value : null }))
}

/** The attempt that is part of the task's own row. */
function lastAttemptOf({ attempt: number, workerId, finishedAt, status, ...task }: AttemptColumns, startedAt: Date) {
  const error = hasEnded(status) ? (task.error as TaskError | null) : null
  const isOver = status === 'FAILED' || status === 'CANCELLED'
  const own: AttemptStatus = isOver ? attemptStatus(status, error) : status === 'COMPLETED' ? 'COMPLETED' : 'ACTIVE'
  return { number, status: own, workerId, startedAt, finishedAt, error }
}
