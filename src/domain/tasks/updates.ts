import { endable } from '#lib/endable.ts'
import type { JournalEntry, Position } from '#platform/journal/entry.ts'
import type { Journal, JournalItem, JournalStream } from '#platform/journal/journal.ts'
import { TaskNotFound } from './errors.ts'
import { type TaskEventData, type TaskEventType, taskEventTypes, taskIdOf, taskSubject } from './events.ts'
import type { ProgressBoard, ToldProgress } from './progress-board.ts'
import { hasEnded, type Priority, type TaskStatus } from './task.ts'

export const taskUpdateKinds = ['STATE', 'STATUS', 'PROGRESS', 'STEP', 'LOG', 'PART', 'LAGGED'] as const
type TaskUpdateKind = (typeof taskUpdateKinds)[number]

/** One update that a subscriber receives about a task. */
export interface TaskUpdate {
  readonly kind: TaskUpdateKind
  /** Where a later stream goes on after this update. */
  readonly cursor: string
  readonly at: Date
  /** Undefined for LAGGED in a feed of many tasks. */
  readonly taskId: string | undefined
  readonly status?: TaskStatus | undefined
  readonly progress?: number | undefined
  readonly step?: string | undefined
  readonly attempt?: number | undefined
  readonly log?: { readonly seq: string; readonly message: string; readonly at: Date } | undefined
  readonly partName?: string | undefined
  /** LAGGED: how many updates were dropped. */
  readonly skipped?: number | undefined
}

/** Which tasks a feed is about; every given property must match. */
export interface TaskFeedFilter {
  readonly types?: readonly string[] | undefined
  readonly priorities?: readonly Priority[] | undefined
  readonly statuses?: readonly TaskStatus[] | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
}

/** A feed's filter, with whether its reader may see tasks of a type. */
export interface VisibleFeed extends TaskFeedFilter {
  readonly isVisible: (type: string) => boolean
}

const outputKinds: Partial<Record<TaskEventType, TaskUpdateKind>> = {
  'task.log': 'LOG',
  'task.step': 'STEP',
  'task.part': 'PART',
}

/** After these a task has ended. */
const endTypes = ['task.completed', 'task.failed', 'task.cancelled'] as const satisfies readonly TaskEventType[]

/** What a stream about one task begins with. */
interface TaskState {
  readonly status: TaskStatus
  readonly progress: number
  readonly step: string | undefined
  readonly attempt: number
  /** What the journal has up to there is part of the state. */
  readonly upTo: Position
}

export interface UpdatesDeps {
  readonly journal: Journal
  readonly board: ProgressBoard
  /** The task's present state. */
  readonly findState: (accountId: string, taskId: string) => Promise<TaskState | undefined>
}

/**
 * Everything about one task: its present state first, unless the stream goes on after a cursor, then each change;
 * ends when the task has. @throws {TaskNotFound} @throws {InvalidCursor} @throws {CursorExpired}
 */
export async function followTask(
  deps: UpdatesDeps,
  accountId: string,
  taskId: string,
  after: string | undefined,
): Promise<AsyncGenerator<TaskUpdate>> {
  const stream = await deps.journal.open<ToldProgress>({ accountId, subject: taskSubject(taskId) }, { after })
  try {
    const state = await deps.findState(accountId, taskId)
    if (state === undefined) throw new TaskNotFound(taskId)
    // What the state has in it already is not told again as news.
    if (after === undefined) stream.skipTo(state.upTo)
    const isOver = hasEnded(state.status) && (after === undefined || !(await endsAfter(deps, accountId, taskId, after)))
    const updates = tellTask(deps, stream, accountId, taskId, after === undefined ? state : undefined, isOver)
    return endable(updates, () => stream.close())
  } catch (error) {
    stream.close()
    throw error
  }
}

/** Whether a reader at this cursor has the task's end still before it. */
function endsAfter(deps: UpdatesDeps, accountId: string, taskId: string, after: string): Promise<boolean> {
  return deps.journal.hasAfter({ accountId, subject: taskSubject(taskId), types: endTypes }, after)
}

async function* tellTask(
  deps: UpdatesDeps,
  stream: JournalStream<ToldProgress>,
  accountId: string,
  taskId: string,
  state: TaskState | undefined,
  isOver: boolean,
): AsyncGenerator<TaskUpdate> {
  const unlisten = deps.board.listenToTask(taskId, (progress) => {
    if (progress.accountId === accountId) stream.pass(taskId, progress)
  })
  try {
    if (state !== undefined) yield stateUpdate(stream.cursor, taskId, state)
    if (isOver) return
    let lagged: TaskUpdate | undefined
    for await (const item of stream) {
      const update = toUpdate(item, taskId)
      if (update === undefined) continue
      yield update
      if (update.kind === 'STATUS' && update.status !== undefined && hasEnded(update.status)) return
      if (update.kind !== 'LAGGED') continue
      lagged = update
      // The end itself may be among what was dropped, and nothing would follow it: read what waits, and no more.
      if (await hasEndedBehind(deps, accountId, taskId, update.cursor)) stream.close()
    }
    const last = lagged && (await deps.findState(accountId, taskId))
    if (lagged !== undefined && last !== undefined) yield stateUpdate(lagged.cursor, taskId, last)
  } finally {
    unlisten()
    stream.close()
  }
}

/** Whether the task's end stands between a cursor and what was handed out to streams by now. */
async function hasEndedBehind(deps: UpdatesDeps, accountId: string, taskId: string, cursor: string): Promise<boolean> {
  const filter = { accountId, subject: taskSubject(taskId), types: endTypes }
  return deps.journal.hasPassed(filter, cursor)
}

/**
 * Everything about the account's tasks that match, from now on or after a cursor.
 * @throws {InvalidCursor} @throws {CursorExpired}
 */
export async function followTasks(
  deps: UpdatesDeps,
  accountId: string,
  where: VisibleFeed,
  after: string | undefined,
): Promise<AsyncGenerator<TaskUpdate>> {
  const stream = await deps.journal.open<ToldProgress>({ accountId, types: ['task.*'] }, { after })
  return endable(tellTasks(deps, stream, accountId, where), () => stream.close())
}

async function* tellTasks(
  deps: UpdatesDeps,
  stream: JournalStream<ToldProgress>,
  accountId: string,
  where: VisibleFeed,
): AsyncGenerator<TaskUpdate> {
  const unlisten = deps.board.listenToAccount(accountId, (progress) => {
    if (matchesFeed(where, { ...progress, status: 'ACTIVE' })) stream.pass(progress.taskId, progress)
  })
  try {
    for await (const item of stream) {
      if (item.kind === 'entry' && !matchesFeed(where, item.entry.data as unknown as TaskEventData)) continue
      const update = toUpdate(item, undefined)
      if (update !== undefined) yield update
    }
  } finally {
    unlisten()
    stream.close()
  }
}

function matchesFeed(
  where: VisibleFeed,
  task: Pick<TaskEventData, 'type' | 'priority' | 'status' | 'labels'>,
): boolean {
  return (
    where.isVisible(task.type) &&
    (where.types?.includes(task.type) ?? true) &&
    (where.priorities?.includes(task.priority) ?? true) &&
    (where.statuses?.includes(task.status) ?? true) &&
    Object.entries(where.labels ?? {}).every(([name, value]) => task.labels[name] === value)
  )
}

function stateUpdate(cursor: string, taskId: string, { upTo: _, ...state }: TaskState): TaskUpdate {
  return { kind: 'STATE', cursor, at: new Date(), taskId, ...state }
}

function toUpdate(item: JournalItem<ToldProgress>, streamTaskId: string | undefined): TaskUpdate | undefined {
  const { cursor } = item
  switch (item.kind) {
    case 'lagged':
      return { kind: 'LAGGED', cursor, at: new Date(), taskId: streamTaskId, skipped: item.skipped }
    case 'passing':
      return shared(item.value, cursor, () => progressUpdate(item.value, cursor))
    case 'entry':
      return shared(item.entry, cursor, () => entryUpdate(item.entry, cursor))
  }
}

const sharedUpdates = new WeakMap<object, { readonly cursor: string; readonly update: TaskUpdate | undefined }>()

/** The same update for all streams that read the same thing at the same cursor, so that it is executed once for them. */
function shared(item: object, cursor: string, create: () => TaskUpdate | undefined): TaskUpdate | undefined {
  const known = sharedUpdates.get(item)
  if (known?.cursor === cursor) return known.update
  const update = create()
  sharedUpdates.set(item, { cursor, update })
  return update
}

function progressUpdate({ taskId, percent, step, attempt }: ToldProgress, cursor: string): TaskUpdate {
  return { kind: 'PROGRESS', cursor, at: new Date(), taskId, status: 'ACTIVE', progress: percent, step, attempt }
}

function entryUpdate(entry: JournalEntry, cursor: string): TaskUpdate | undefined {
  const taskId = taskIdOf(entry.subject)
  const type = taskEventTypes.find((known) => known === entry.type)
  if (taskId === undefined || type === undefined) return undefined
  const data = entry.data as unknown as TaskEventData
  // The line was deleted.
  if (type === 'task.log' && data.log === undefined) return undefined
  return {
    kind: outputKinds[type] ?? 'STATUS',
    cursor,
    at: entry.at,
    taskId,
    status: data.status,
    attempt: data.attempt,
    progress: data.status === 'COMPLETED' ? 100 : undefined,
    step: data.step,
    log: data.log && { ...data.log, at: entry.at },
    partName: data.part?.name,
  }
}
