import type { Caller } from '#domain/access/service.ts'
import type { Clock } from '#lib/clock.ts'
import type { RegisteredTypes } from './remote/registered-types.ts'
import type { NewTask } from './store/tasks.ts'
import { isRegistered, planTask, type Submission, type SubmittableTypes } from './submission.ts'
import type { TaskTypes } from './task-type.ts'

export interface TaskPlannerDeps {
  readonly types: TaskTypes
  readonly registered: RegisteredTypes
  readonly clock: Clock
}

/** Turns requests into tasks to be written, of the server's types and of those that the account has registered. */
export type TaskPlanner = ReturnType<typeof createTaskPlanner>

export function createTaskPlanner({ types, registered, clock }: TaskPlannerDeps) {
  /** The types that these requests name, those of the server before those that the account has registered. */
  async function typesFor({ accountId }: Caller, requests: readonly Submission[]): Promise<SubmittableTypes> {
    const others = requests.map(({ type }) => type).filter((type) => types.get(type) === undefined)
    if (others.length === 0) return types
    const own = await registered.find(accountId, others)
    const isComplete = others.every((name) => own.has(name))
    const all = isComplete ? [...own.values()] : await registered.list(accountId)
    return { get: (name) => types.get(name) ?? own.get(name), list: () => [...types.list(), ...all] }
  }

  /** @throws as {@link planTask} */
  async function planOf(caller: Caller, request: Submission, known: SubmittableTypes): Promise<NewTask> {
    const task = planTask(caller, request, known, clock.now())
    const type = known.get(task.type)
    if (type !== undefined && isRegistered(type)) await registered.checkInput(type, task.input, task.storedBytes)
    return task
  }

  /** One task; that the caller may submit such tasks is for others to check. @throws as {@link planTask} */
  async function plan(caller: Caller, request: Submission): Promise<NewTask> {
    return planOf(caller, request, await typesFor(caller, [request]))
  }

  return { typesFor, planOf, plan }
}
