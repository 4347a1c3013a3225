import type { Sql } from '#platform/database/sql.ts'
import { findPart, readPart } from './store/output.ts'
import { findTaskState } from './store/tasks.ts'

/** A part of a task of a known type. */
export interface PartOfType {
  readonly taskId: string
  readonly taskType: string
  readonly name: string
}

const pieceBytes = 1024 * 1024

/**
 * Makes the function by which attempts read parts of other tasks, up to 1 MiB at once. Whether they may is decided when
 * they are submitted: by the types of the tasks that their input refers to. Undefined: the part, or a task of that type,
 * doesn't exist.
 */
export function createPartSource(sql: Sql) {
  return async (
    accountId: string,
    { taskId, taskType, name }: PartOfType,
    from: number,
  ): Promise<{ bytes: Uint8Array; sizeBytes: number } | undefined> => {
    const task = await findTaskState(sql, accountId, taskId)
    if (task?.type !== taskType) return undefined
    const part = await findPart(sql, accountId, taskId, name)
    if (part === undefined) return undefined
    const bytes = await readPart(sql, { accountId, contentId: part.contentId }, from, from + pieceBytes)
    return { bytes: new Uint8Array(bytes), sizeBytes: part.sizeBytes }
  }
}
