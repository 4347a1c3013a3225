import { LeaseLost, TaskNotFound, TooManyClaims, UnknownTaskType, WorkerNotFound } from '#domain/tasks/errors.ts'
import type { ClaimAnswer } from '#domain/tasks/remote/claim-commands.ts'
import type { LeaseState } from '#domain/tasks/remote/heartbeat-commands.ts'
import type { TaskLease } from '#domain/tasks/remote/remote-claimer.ts'
import type { Attempt } from '#domain/tasks/task.ts'
import { InvalidInput } from '#lib/errors.ts'
import { builder } from '#schema/builder.ts'
import { countedList } from '#schema/complexity.ts'
import { withoutNulls } from './inputs.ts'
import { PriorityEnum } from './task.ts'
import './failures.ts'

const workerText = 'The worker’s name, at most 100 characters; it tells apart the workers of one token.'
const typesText = 'The registered types of which to take tasks, at most 100. Needs `tasks:work` for each.'
const leaseMsText = 'How long a lease lasts without a heartbeat, in milliseconds: 5,000 to 300,000; default 30,000.'
const versionText = 'The program’s version, for operators; at most 50 characters.'
const taskIdText = 'The task’s id.'
const fenceText = 'The fence of the lease.'

const LeasedTask = builder.objectRef<Attempt>('LeasedTask').implement({
  description: 'A task, as the worker that is to run it sees it.',
  fields: (t) => ({
    id: t.exposeID('taskId', { description: 'Its id.' }),
    type: t.exposeString('type', { description: 'The name of its type.' }),
    priority: t.expose('priority', { type: PriorityEnum, description: 'Its priority.' }),
    input: t.field({ type: 'JSON', description: 'Its input.', resolve: ({ input }) => input }),
    labels: t.field({ type: 'JSON', description: 'Names with values.', resolve: ({ labels }) => labels }),
    timeoutMs: t.exposeInt('timeoutMs', { description: 'How long the attempt may take, in milliseconds.' }),
  }),
})

const TaskLeaseRef = builder.objectRef<TaskLease>('TaskLease').implement({
  description: 'A worker’s right to one attempt of a task, for a time.',
  fields: (t) => ({
    task: t.field({ type: LeasedTask, description: 'The task.', resolve: ({ attempt }) => attempt }),
    attempt: t.int({ description: 'The number of the attempt, from 1.', resolve: ({ attempt }) => attempt.number }),
    fence: t.int({
      description: 'Goes with everything that the worker says of the attempt; a later attempt has a higher one.',
      resolve: ({ attempt }) => attempt.fence,
    }),
    checkpoint: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What an attempt before has saved; null when none has saved anything.',
      resolve: ({ attempt }) => attempt.checkpoint,
    }),
    leaseUntil: t.expose('until', { type: 'DateTime', description: 'When it ends unless a heartbeat renews it.' }),
  }),
})

const ClaimTasksInput = builder.inputType('ClaimTasksInput', {
  description: 'Which tasks a worker takes.',
  fields: (t) => ({
    worker: t.string({ required: true, description: workerText }),
    types: t.stringList({ required: true, description: typesText }),
    max: t.int({ description: 'How many tasks at most, 1 to 100; default 1.' }),
    waitMs: t.int({ description: 'How long to wait for a first task, in milliseconds; at most 60,000, default 0.' }),
    leaseMs: t.int({ description: leaseMsText }),
    slots: t.int({ description: 'How many leases the worker can have at once, at most 1,000; default: `max`.' }),
    version: t.string({ description: versionText }),
  }),
})

const ClaimTasksPayload = builder.objectRef<ClaimAnswer>('ClaimTasksPayload').implement({
  description: 'What the worker has been given.',
  fields: (t) => ({
    leases: t.field({
      type: [TaskLeaseRef],
      description: 'The leases; none when nothing came in time.',
      complexity: countedList,
      resolve: ({ leases }) => [...leases],
    }),
    workerId: t.id({ description: 'The id of the worker.', resolve: ({ workerId }) => String(workerId) }),
    slots: t.exposeInt('slots', {
      description: 'How many leases the worker can have at once; an operator can change it.',
    }),
    draining: t.exposeBoolean('draining', { description: 'Whether the worker is to claim nothing more.' }),
  }),
})

builder.mutationField('claimTasks', (t) =>
  t.field({
    type: ClaimTasksPayload,
    description:
      'Takes waiting tasks for a remote worker. The worker then sends heartbeats, and ends each task with `completeTask`, `failTask` or `releaseTask`; otherwise the attempt counts as lost when its lease ends.',
    args: { input: t.arg({ type: ClaimTasksInput, required: true, description: 'Which tasks.' }) },
    errors: { types: [InvalidInput, UnknownTaskType, TooManyClaims] },
    resolve: (_root, { input }, { caller, remoteWork, whenLeft }) =>
      remoteWork.claimTasks(caller, { ...withoutNulls(input), worker: input.worker, types: input.types }, whenLeft()),
  }),
)

builder.subscriptionField('taskOffers', (t) =>
  t.field({
    type: TaskLeaseRef,
    description:
      'Leases of tasks as they come, while the worker has slots for them; completes when the worker is to claim nothing more. Each is to be served as those of `claimTasks`.',
    args: {
      worker: t.arg.string({ required: true, description: workerText }),
      types: t.arg.stringList({ required: true, description: typesText }),
      slots: t.arg.int({ description: 'How many leases the worker can have at once, at most 1,000; default 1.' }),
      leaseMs: t.arg.int({ description: leaseMsText }),
      version: t.arg.string({ description: versionText }),
    },
    subscribe: (_root, args, { caller, remoteWork, whenLeft }) =>
      remoteWork.offers(caller, { ...withoutNulls(args), worker: args.worker, types: args.types }, whenLeft()),
    resolve: (lease) => lease,
  }),
)

const LeaseStateRef = builder.objectRef<LeaseState>('TaskLeaseState').implement({
  description: 'What has become of a lease.',
  fields: (t) => ({
    taskId: t.exposeID('taskId', { description: taskIdText }),
    leaseUntil: t.expose('leaseUntil', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ends unless another heartbeat renews it; null when it is lost.',
    }),
    cancelRequested: t.exposeBoolean('cancelRequested', {
      description: 'Somebody has asked the task to stop: the worker ends it within 30 seconds.',
    }),
    lost: t.exposeBoolean('lost', { description: 'The lease is lost: the worker drops the work.' }),
  }),
})

const LeaseHeartbeatInput = builder.inputType('LeaseHeartbeatInput', {
  description: 'A lease to renew.',
  fields: (t) => ({
    taskId: t.id({ required: true, description: taskIdText }),
    fence: t.int({ required: true, description: fenceText }),
    progress: t.float({ description: '0 to 100.' }),
    step: t.string({ description: 'The step that the task is in, at most 200 characters.' }),
  }),
})

const HeartbeatTasksInput = builder.inputType('HeartbeatTasksInput', {
  description: 'A sign of life of a worker.',
  fields: (t) => ({
    worker: t.string({ required: true, description: 'The worker’s name.' }),
    leases: t.field({ type: [LeaseHeartbeatInput], required: true, description: 'Its leases, at most 1,000.' }),
    waitMs: t.int({
      description:
        'Answers after this time, or as soon as one of the tasks is to stop or is lost, in milliseconds; at most 60,000, default 0. Should be less than the lease.',
    }),
  }),
})

const HeartbeatTasksPayload = builder.objectRef<{ leases: readonly LeaseState[] }>('HeartbeatTasksPayload').implement({
  description: 'The leases are renewed.',
  fields: (t) => ({
    leases: t.field({
      type: [LeaseStateRef],
      description: 'In the order of the input.',
      complexity: countedList,
      resolve: ({ leases }) => [...leases],
    }),
  }),
})

builder.mutationField('heartbeatTasks', (t) =>
  t.field({
    type: HeartbeatTasksPayload,
    description: 'Renews the leases of a worker, and takes note of progress.',
    args: { input: t.arg({ type: HeartbeatTasksInput, required: true, description: 'The worker and its leases.' }) },
    errors: { types: [InvalidInput, WorkerNotFound, LeaseLost] },
    resolve: async (_root, { input }, { caller, remoteWork, whenLeft }) => {
      const { worker, waitMs } = input
      const leases = input.leases.map((lease) => ({ ...withoutNulls(lease), taskId: lease.taskId, fence: lease.fence }))
      const request = { worker, leases, ...(waitMs != null && { waitMs }) }
      return { leases: await remoteWork.heartbeatTasks(caller, request, whenLeft()) }
    },
  }),
)

const TaskPartInput = builder.inputType('TaskPartInput', {
  description: 'A named piece of the result: exactly one of `text`, `json` and `bytes`.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Unique within the task; at most 255 characters.' }),
    contentType: t.string({ description: 'Its media type; default: that of text, JSON or bytes.' }),
    text: t.string({ description: 'Text.' }),
    json: t.field({ type: 'JSON', description: 'JSON.' }),
    bytes: t.field({ type: 'Base64', description: 'Bytes.' }),
    append: t.boolean({
      description: 'Adds to what this attempt has reported of the part; default false: replaces it.',
    }),
    complete: t.boolean({ description: 'Whether nothing of it follows; default true.' }),
  }),
})

const ReportTaskInput = builder.inputType('ReportTaskInput', {
  description: 'What an attempt has to say.',
  fields: (t) => ({
    taskId: t.id({ required: true, description: taskIdText }),
    fence: t.int({ required: true, description: fenceText }),
    logs: t.stringList({ description: 'Log lines, at most 1,000; an attempt has at most 10,000.' }),
    progress: t.float({ description: '0 to 100.' }),
    step: t.string({ description: 'The step that the task is in, at most 200 characters.' }),
    parts: t.field({ type: [TaskPartInput], description: 'Pieces of the result, at most 10.' }),
  }),
})

const ReportTaskPayload = builder.objectRef<{ taskId: string; droppedLines: number }>('ReportTaskPayload').implement({
  description: 'The report is committed.',
  fields: (t) => ({
    taskId: t.exposeID('taskId', { description: taskIdText }),
    droppedLines: t.exposeInt('droppedLines', {
      description: 'How many log lines were dropped, since the attempt has as many as it can.',
    }),
  }),
})

builder.mutationField('reportTask', (t) =>
  t.field({
    type: ReportTaskPayload,
    description: 'Reports log lines, progress and parts of an attempt. Does not renew its lease.',
    args: { input: t.arg({ type: ReportTaskInput, required: true, description: 'The report.' }) },
    errors: { types: [InvalidInput, TaskNotFound, LeaseLost] },
    resolve: async (_root, { input }, { caller, remoteWork }) => {
      const { taskId, fence } = input
      const parts = input.parts?.map((part) => ({ ...withoutNulls(part), name: part.name }))
      const { parts: _, ...rest } = withoutNulls(input)
      const { droppedLines } = await remoteWork.reportTask(caller, { ...rest, taskId, fence, parts })
      return { taskId, droppedLines }
    },
  }),
)

/** A payload that says which task it was about. */
function endPayload(name: string, description: string) {
  return builder.objectRef<{ taskId: string }>(name).implement({
    description,
    fields: (t) => ({ taskId: t.exposeID('taskId', { description: taskIdText }) }),
  })
}

const CompleteTaskInput = builder.inputType('CompleteTaskInput', {
  description: 'An attempt that has a result.',
  fields: (t) => ({
    taskId: t.id({ required: true, description: taskIdText }),
    fence: t.int({ required: true, description: fenceText }),
    result: t.field({ type: 'JSON', description: 'The result, at most 256 KiB as JSON; default null.' }),
  }),
})

builder.mutationField('completeTask', (t) =>
  t.field({
    type: endPayload('CompleteTaskPayload', 'The task has completed.'),
    description: 'Ends an attempt with a result. Repeating it with the same fence changes nothing.',
    args: { input: t.arg({ type: CompleteTaskInput, required: true, description: 'The attempt and its result.' }) },
    errors: { types: [InvalidInput, TaskNotFound, LeaseLost] },
    resolve: async (_root, { input: { taskId, fence, result } }, { caller, remoteWork }) => ({
      taskId: await remoteWork.completeTask(caller, { taskId, fence }, result ?? null),
    }),
  }),
)

const TaskFailureInput = builder.inputType('TaskFailureInput', {
  description: 'Why an attempt failed.',
  fields: (t) => ({
    code: t.string({ required: true, description: 'A stable code of capital letters, digits and `_`; at most 64.' }),
    message: t.string({ description: 'A sentence for people; at most 8,192 characters.' }),
    retryable: t.boolean({ description: 'Whether another attempt could help; default true.' }),
    retryAfterMs: t.int({
      description: 'When another attempt may follow, in milliseconds; default: as the task’s policy says.',
    }),
  }),
})

const FailTaskInput = builder.inputType('FailTaskInput', {
  description: 'An attempt that has failed.',
  fields: (t) => ({
    taskId: t.id({ required: true, description: taskIdText }),
    fence: t.int({ required: true, description: fenceText }),
    error: t.field({ type: TaskFailureInput, required: true, description: 'Why.' }),
  }),
})

builder.mutationField('failTask', (t) =>
  t.field({
    type: endPayload('FailTaskPayload', 'The attempt has ended.'),
    description: 'Ends an attempt that has failed; another follows if the task’s retry policy allows it.',
    args: { input: t.arg({ type: FailTaskInput, required: true, description: 'The attempt and its error.' }) },
    errors: { types: [InvalidInput, TaskNotFound, LeaseLost] },
    resolve: async (_root, { input: { taskId, fence, error } }, { caller, remoteWork }) => ({
      taskId: await remoteWork.failTask(caller, { taskId, fence }, { ...withoutNulls(error), code: error.code }),
    }),
  }),
)

const ReleaseTaskInput = builder.inputType('ReleaseTaskInput', {
  description: 'An attempt that is given up.',
  fields: (t) => ({
    taskId: t.id({ required: true, description: taskIdText }),
    fence: t.int({ required: true, description: fenceText }),
    checkpoint: t.field({
      type: 'JSON',
      description: 'What the next attempt is to know, at most 256 KiB as JSON; default: what was saved before.',
    }),
  }),
})

builder.mutationField('releaseTask', (t) =>
  t.field({
    type: endPayload('ReleaseTaskPayload', 'The task waits again, unless somebody has asked it to stop.'),
    description: 'Gives a task back: another attempt follows, and this one does not count.',
    args: { input: t.arg({ type: ReleaseTaskInput, required: true, description: 'The attempt.' }) },
    errors: { types: [InvalidInput, TaskNotFound, LeaseLost] },
    resolve: async (_root, { input: { taskId, fence, checkpoint } }, { caller, remoteWork }) => ({
      taskId: await remoteWork.releaseTask(caller, { taskId, fence }, checkpoint ?? undefined),
    }),
  }),
)
