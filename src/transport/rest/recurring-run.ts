import { LatestRunDocument, type TaskReportFragment } from './generated/graphql.ts'
import type { Operations } from './operations.ts'
import { Refused } from './refused.ts'
import type { RestRequest } from './request.ts'
import type { Answer, Route } from './route.ts'

/**
 * The latest run of the recurring task with this id; one that has had none yet is one that waits. Undefined: there is no
 * such recurring task.
 */
export async function latestRunOf(operations: Operations, id: string): Promise<TaskReportFragment | undefined> {
  const { taskSchedule } = await operations.run(LatestRunDocument, { id })
  if (taskSchedule === null) return undefined
  const nothing = { progress: 0, currentStep: null, result: null, resultExpired: false, error: null }
  return taskSchedule.runs.nodes[0] ?? { id, type: taskSchedule.type, status: 'SCHEDULED', ...nothing }
}

/** The row, with another answer where it says that there is no such task; the refusal stands when that has none. */
export function orElse(route: Route, other: (request: RestRequest) => Promise<Answer | undefined>): Route {
  return {
    ...route,
    async handle(request) {
      try {
        return await route.handle(request)
      } catch (error) {
        if (!(error instanceof Refused) || error.code !== 'NOT_FOUND') throw error
        const answer = await other(request)
        if (answer === undefined) throw error
        return answer
      }
    },
  }
}
