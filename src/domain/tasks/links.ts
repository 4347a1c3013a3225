import { type CompositeKey, compositeKey } from '#lib/composite-key.ts'
import { type InputIssue, type InvalidInput, invalidInput } from '#lib/errors.ts'
import { isId } from '#lib/ids.ts'
import type { Sql } from '#platform/database/sql.ts'
import { type Dependency, dependencyLimits as limits, outcomeOf, type TaskLinks } from './dependencies.ts'
import {
  type Ancestor,
  countLinks,
  findAncestors,
  findAwaited,
  type LinkCount,
  lockNamed,
  type NamedTask,
  type NewDependency,
  readDependencies,
  saveDependencies,
  type TaskRef,
} from './store/dependencies.ts'
import type { NewTask } from './store/tasks.ts'
import { hasEnded } from './task.ts'

/** New tasks that may be written, and why others may not. */
export interface LinkedTasks {
  readonly accepted: readonly NewTask[]
  /** By task. */
  readonly refused: ReadonlyMap<string, InvalidInput>
  readonly dependencies: readonly NewDependency[]
}

/**
 * Checks what new tasks depend on and are part of, and keeps that as it is until the transaction ends. Tasks that have to
 * wait for others are held. No statement when none of them is tied to another.
 */
export async function linkTasks(sql: Sql, tasks: readonly NewTask[]): Promise<LinkedTasks> {
  const linked = tasks.filter(({ links }) => links !== undefined)
  if (linked.length === 0) return { accepted: tasks, refused: new Map(), dependencies: [] }
  const facts = await readFacts(sql, linked)
  const refused = new Map<string, InvalidInput>()
  const dependencies: NewDependency[] = []
  const accepted = tasks.flatMap((task) => {
    if (task.links === undefined) return [task]
    const issues = issuesOf(task, task.links, facts)
    if (issues.length > 0) {
      refused.set(task.id, invalidInput('The task', issues))
      return []
    }
    const own = dependenciesOf(task, task.links, facts)
    noteAdded(facts.added, task, task.links)
    dependencies.push(...own)
    return [outcomeOf(own).kind === 'start' ? task : { ...task, held: 'DEPENDENCY' as const }]
  })
  return { accepted, refused, dependencies }
}

/** Writes what tasks depend on and are part of, once they are written themselves. */
export async function writeLinks(sql: Sql, { dependencies }: LinkedTasks, written: readonly NewTask[]): Promise<void> {
  const linked = written.filter(({ links }) => links !== undefined)
  if (linked.length === 0) return
  const isWritten = new Set(linked.map(({ id }) => id))
  const own = dependencies.filter(({ taskId }) => isWritten.has(taskId))
  await saveDependencies(sql, own)
  const isOpen = new Set(own.filter(({ status }) => status === null).map(({ dependsOnId }) => dependsOnId))
  const added = new Map<CompositeKey, LinkCount>()
  for (const task of linked) noteAdded(added, task, task.links as TaskLinks)
  await countLinks(
    sql,
    [...added.values()].filter(({ taskId, children }) => children > 0 || isOpen.has(taskId)),
  )
}

/**
 * The dependencies of a task that has ended and is to run again, as the other tasks are now; those that were deleted have
 * ended as they did. They stay like that until the transaction ends.
 */
export async function relink(sql: Sql, task: TaskRef): Promise<readonly Dependency[]> {
  const recorded = await readDependencies(sql, [task])
  if (recorded.length === 0) return []
  const { accountId } = task
  const named = await lockNamed(
    sql,
    recorded.map(({ dependsOnId: taskId }) => ({ accountId, taskId })),
  )
  const byId = new Map(named.map((one) => [one.taskId, one]))
  const depth = depthBehind(named)
  const dependencies = recorded.map((dependency) => {
    const now = byId.get(dependency.dependsOnId)
    return { ...dependency, status: now === undefined ? dependency.status : finalStatus(now), depth }
  })
  await saveDependencies(sql, dependencies)
  const uncounted = named.filter(({ status, dependents }) => !hasEnded(status) && dependents === 0)
  await countLinks(
    sql,
    uncounted.map(({ taskId }) => ({ accountId, taskId, dependents: 1, children: 0 })),
  )
  return dependencies
}

interface Facts {
  readonly named: ReadonlyMap<CompositeKey, NamedTask>
  /** Of each parent, with itself. */
  readonly ancestors: ReadonlyMap<CompositeKey, readonly Ancestor[]>
  /** Ancestors that a dependency is, or waits for. */
  readonly awaited: ReadonlyMap<CompositeKey, readonly Ancestor[]>
  /** What the tasks before add to what those named have. */
  readonly added: Map<CompositeKey, LinkCount>
}

async function readFacts(sql: Sql, tasks: readonly NewTask[]): Promise<Facts> {
  const parents = refsOf(tasks, parentIds)
  const named = await lockNamed(
    sql,
    refsOf(tasks, (links) => [...parentIds(links), ...dependencyIds(links)]),
  )
  const ancestors = parents.length === 0 ? [] : await findAncestors(sql, parents, limits.generations)
  const ofChildren = refsOf(tasks, (links) => (links.parentId === undefined ? [] : dependencyIds(links)))
  const among = [...new Set(ancestors.map(({ ancestorId }) => ancestorId))]
  const awaited = ofChildren.length === 0 ? [] : await findAwaited(sql, ofChildren, among)
  return {
    named: new Map(named.map((one) => [keyOf(one), one])),
    ancestors: Map.groupBy(ancestors, keyOf),
    awaited: Map.groupBy(awaited, keyOf),
    added: new Map(),
  }
}

function parentIds({ parentId }: TaskLinks): string[] {
  return parentId === undefined ? [] : [parentId]
}

function dependencyIds({ dependsOn }: TaskLinks): string[] {
  return dependsOn.map(({ taskId }) => taskId)
}

/** The tasks that others name, each once; what can't be an id names nothing. */
function refsOf(tasks: readonly NewTask[], idsOf: (links: TaskLinks) => readonly string[]): TaskRef[] {
  const refs = tasks.flatMap(({ accountId, links }) =>
    (links === undefined ? [] : idsOf(links)).map((taskId) => ({ accountId, taskId })),
  )
  return [...new Map(refs.filter(({ taskId }) => isId(taskId)).map((ref) => [keyOf(ref), ref])).values()]
}

function noteAdded(added: Map<CompositeKey, LinkCount>, { accountId }: NewTask, links: TaskLinks): void {
  const add = (taskId: string, dependents: number, children: number) => {
    const key = keyOf({ accountId, taskId })
    const before = added.get(key) ?? { dependents: 0, children: 0 }
    added.set(key, {
      accountId,
      taskId,
      dependents: before.dependents + dependents,
      children: before.children + children,
    })
  }
  for (const id of dependencyIds(links)) add(id, 1, 0)
  for (const id of parentIds(links)) add(id, 0, 1)
}

function issuesOf({ accountId }: NewTask, links: TaskLinks, facts: Facts): InputIssue[] {
  const issues: InputIssue[] = []
  for (const [index, taskId] of dependencyIds(links).entries()) {
    const message = dependencyFault({ accountId, taskId }, links, facts)
    if (message !== undefined) issues.push({ path: `dependsOn.${index}.taskId`, message })
  }
  for (const taskId of parentIds(links)) {
    const message = parentFault({ accountId, taskId }, links, facts)
    if (message !== undefined) issues.push({ path: 'parentId', message })
  }
  return issues
}

function dependencyFault(ref: TaskRef, { mayDependOn, parentId }: TaskLinks, facts: Facts): string | undefined {
  const { taskId } = ref
  const target = facts.named.get(keyOf(ref))
  if (target === undefined || !mayDependOn(target.type)) return `there is no task ${taskId}`
  if (target.dependents + (facts.added.get(keyOf(ref))?.dependents ?? 0) >= limits.dependents)
    return `at most ${limits.dependents} tasks can depend on task ${taskId}`
  if (target.depth >= limits.depth) return `at most ${limits.depth} tasks can wait for each other in a chain`
  if (parentId === undefined) return undefined
  const awaited = new Set(facts.awaited.get(keyOf(ref))?.map(({ ancestorId }) => ancestorId))
  const ancestors = facts.ancestors.get(keyOf({ ...ref, taskId: parentId })) ?? []
  const ancestorId = ancestors.find((one) => awaited.has(one.ancestorId))?.ancestorId
  if (ancestorId === undefined) return undefined
  return ancestorId === taskId
    ? `task ${taskId} is an ancestor of the new task, so each could wait for the other`
    : `task ${taskId} waits for task ${ancestorId}, an ancestor of the new task, so each could wait for the other`
}

function parentFault(ref: TaskRef, { mayBeParent }: TaskLinks, facts: Facts): string | undefined {
  const parent = facts.named.get(keyOf(ref))
  if (parent === undefined || !mayBeParent(parent.type)) return `there is no task ${ref.taskId}`
  if (hasEnded(parent.status)) return `task ${ref.taskId} has already ended: ${parent.status}`
  if (parent.isCancelRequested) return `task ${ref.taskId} was cancelled`
  if (parent.children + (facts.added.get(keyOf(ref))?.children ?? 0) >= limits.children)
    return `a task can have at most ${limits.children} children`
  if ((facts.ancestors.get(keyOf(ref))?.length ?? 0) >= limits.generations)
    return `tasks can be nested at most ${limits.generations} levels deep`
  return undefined
}

function dependenciesOf({ accountId, id }: NewTask, { dependsOn }: TaskLinks, { named }: Facts): NewDependency[] {
  const targets = dependsOn.map(({ taskId }) => named.get(keyOf({ accountId, taskId })) as NamedTask)
  const depth = depthBehind(targets)
  return dependsOn.map(({ onFailure }, index) => {
    const target = targets[index] as NamedTask
    return { accountId, taskId: id, dependsOnId: target.taskId, onFailure, status: finalStatus(target), depth }
  })
}

/** Length of the longest chain up to a task that waits for these. */
function depthBehind(targets: readonly NamedTask[]): number {
  return 1 + Math.max(0, ...targets.map(({ depth, status }) => (hasEnded(status) ? 0 : depth)))
}

function finalStatus({ status }: NamedTask): Dependency['status'] {
  return hasEnded(status) ? status : null
}

/** Ids are written in any case. */
function keyOf({ accountId, taskId }: TaskRef): CompositeKey {
  return compositeKey(accountId, taskId.toLowerCase())
}
