import type { Command } from 'commander'
import { found } from '#cli/found.ts'
import type { Output } from '#cli/output.ts'
import type { Session } from '#cli/session.ts'
import { errorLines, runTime, statusStyles } from '#cli/task-text.ts'
import { duration, moment, printable, size } from '#cli/text.ts'
import { TaskDetailsDocument, type TaskDetailsQuery } from '#client/index.ts'

type TaskDetails = NonNullable<TaskDetailsQuery['task']>

export function addTaskShowCommand(parent: Command, session: Session): void {
  const command = parent
    .command('show <id>')
    .summary('everything about one task')
    .description('Shows everything about a task except its log.')
  session.api(command, async ({ client, output, json }, _options: object, id: string) => {
    const { task } = await client.request(TaskDetailsDocument, { id })
    const details = found(task, `task ${id}`)
    if (json) output.document(details)
    else show(output, details)
  })
}

function show(output: Output, task: TaskDetails): void {
  output.properties([
    ['id', task.id],
    ['type', task.type],
    ['status', output.styled(statusStyles[task.status], task.status)],
    ['priority', task.priority],
    ['waiting', waitingText(task)],
    [
      'progress',
      task.status === 'ACTIVE' ? printable(`${task.progress} % ${task.currentStep ?? ''}`).trim() : undefined,
    ],
    ['error', errorText(task.error)],
    ['submitted', `${moment(task.createdAt)} by ${printable(task.createdBy.name)}`],
    [task.attempt > 0 ? 'next attempt' : 'due', dueText(task)],
    ['schedule', scheduleText(task)],
    ['started', time(task.startedAt)],
    ['ended', time(task.finishedAt)],
    ['ran', runTime(task)],
    ['to be stopped', cancelText(task)],
    [
      'attempt',
      `${task.attempt} of ${Math.max(task.attempt, task.retry.maxAttempts)}, each at most ${duration(task.timeoutMs)}`,
    ],
    ['worker', task.worker ?? undefined],
    ['labels', labelText(task.labels)],
    ['idempotency key', task.idempotencyKey === null ? undefined : printable(task.idempotencyKey)],
    ['singleton key', task.singletonKey === null ? undefined : printable(task.singletonKey)],
    ['rank', task.rank === 0 ? undefined : String(task.rank)],
    ['concurrency key', task.concurrencyKey === null ? undefined : printable(task.concurrencyKey)],
    ['parent', task.parentId ?? undefined],
    ['children', task.children.nodes.length === 0 ? undefined : `see task tree ${task.id}`],
    ['fairness key', task.fairnessKey === null ? undefined : printable(task.fairnessKey)],
    ['input', output.value(task.input)],
    ['result', task.resultExpired ? 'expired' : task.result === null ? undefined : output.value(task.result)],
  ])
  showDependencies(output, task)
  showApprovals(output, task)
  showSteps(output, task)
  showAttempts(output, task)
  showParts(output, task)
}

function showDependencies(output: Output, { dependsOn }: TaskDetails): void {
  if (dependsOn.length === 0) return
  output.line()
  output.table(dependsOn, [
    { title: 'DEPENDS ON', text: ({ taskId }) => taskId },
    { title: 'TYPE', text: ({ task }) => printable(task?.type ?? ''), flexible: true },
    { title: 'STATUS', text: ({ status, task }) => status ?? task?.status ?? '' },
    { title: 'ON FAILURE', text: ({ onFailure }) => onFailure },
  ])
}

function showApprovals(output: Output, { approvals }: TaskDetails): void {
  if (approvals.length === 0) return
  output.line()
  output.table(approvals, [
    { title: 'APPROVAL', text: ({ name }) => printable(name) },
    { title: 'STATUS', text: ({ status }) => status },
    { title: 'ASKED', text: ({ requestedAt }) => moment(requestedAt) },
    { title: 'UNTIL', text: ({ expiresAt }) => moment(expiresAt) },
    { title: 'BY', text: ({ decidedBy }) => printable(decidedBy?.name ?? '') },
    { title: 'COMMENT', text: ({ comment }) => printable(comment ?? ''), flexible: true },
  ])
}

function showSteps(output: Output, { steps }: TaskDetails): void {
  if (steps.length === 0) return
  output.line()
  output.table(steps, [
    { title: 'STEP', text: ({ name }) => printable(name), flexible: true },
    { title: 'ATTEMPT', text: ({ attempt }) => String(attempt) },
    { title: 'DONE', text: ({ finishedAt }) => moment(finishedAt) },
    { title: 'TOOK', text: ({ startedAt, finishedAt }) => duration(Date.parse(finishedAt) - Date.parse(startedAt)) },
    { title: 'SIZE', text: ({ sizeBytes }) => size(sizeBytes) },
  ])
}

function showAttempts(output: Output, { attempts }: TaskDetails): void {
  if (attempts.length === 0) return
  output.line()
  output.table(attempts, [
    { title: 'ATTEMPT', text: ({ number }) => String(number) },
    { title: 'STATUS', text: ({ status }) => status },
    { title: 'STARTED', text: ({ startedAt }) => moment(startedAt) },
    { title: 'RAN', text: (attempt) => runTime(attempt) ?? '' },
    { title: 'ERROR', text: ({ error }) => errorText(error) ?? '', flexible: true },
  ])
}

function showParts(output: Output, { parts }: TaskDetails): void {
  if (parts.length === 0) return
  output.line()
  partTable(output, parts)
}

/** Parts of a result as a table. */
export function partTable(output: Output, parts: TaskDetails['parts']): void {
  output.table(parts, [
    { title: 'PART', text: ({ name }) => printable(name) },
    { title: 'TYPE', text: ({ contentType }) => printable(contentType), flexible: true },
    { title: 'SIZE', text: ({ sizeBytes }) => size(sizeBytes) },
    { title: 'BEGUN', text: ({ createdAt }) => moment(createdAt) },
    { title: '', text: ({ complete }) => (complete ? '' : 'still being written') },
  ])
}

function errorText(error: TaskDetails['error']): string | undefined {
  return error === null ? undefined : errorLines(error, `${error.code}${error.retryable ? '' : ', final'}`)
}

function waitingText({ waiting }: TaskDetails): string | undefined {
  if (waiting === null) return undefined
  const { message, since, ahead } = waiting
  const before = ahead === null || ahead === 0 ? '' : ` ${ahead} ${ahead === 1 ? 'task is' : 'tasks are'} before it.`
  return printable(`${message} Since ${moment(since)}.${before}`)
}

function dueText({ status, runAt }: TaskDetails): string | undefined {
  if (status !== 'SCHEDULED') return undefined
  const waitMs = Date.parse(runAt) - Date.now()
  return waitMs > 0 ? `${moment(runAt)}, in ${duration(waitMs)}` : moment(runAt)
}

function scheduleText({ schedule, scheduledFor }: TaskDetails): string | undefined {
  if (schedule === null || scheduledFor === null) return undefined
  return `${printable(schedule.name)} (${schedule.id}), for ${moment(scheduledFor)}`
}

function cancelText(task: TaskDetails): string | undefined {
  const { cancelRequestedAt, cancelAcknowledgedAt, cancelForced, cancelReason } = task
  if (cancelRequestedAt === null) return undefined
  const told = cancelAcknowledgedAt === null ? '' : `, told ${moment(cancelAcknowledgedAt)}`
  const forced = cancelForced ? ', ended by force' : ''
  return `since ${moment(cancelRequestedAt)}${told}${forced}${cancelReason === null ? '' : `: ${printable(cancelReason)}`}`
}

function labelText(labels: unknown): string {
  return Object.entries(labels as Record<string, string>)
    .map(([name, value]) => printable(`${name}=${value}`))
    .join(', ')
}

function time(iso: string | null): string | undefined {
  return iso === null ? undefined : moment(iso)
}
