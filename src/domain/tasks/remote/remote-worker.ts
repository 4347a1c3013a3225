import { z } from 'zod'
import { isStorable, unstorable } from '#lib/json.ts'

/** How many remote workers an account can have at once. */
export const maxRemoteWorkers = 1_000
/** How many leases a worker can have. */
const maxSlots = 1_000
export const maxClaim = 100
export const maxClaimedTypes = 100
/** How long a request can wait for tasks, in milliseconds. */
export const maxWaitMs = 60_000
export const leaseBounds = { min: 5_000, default: 30_000, max: 300_000 } as const
/** A worker that was seen so long ago is still taken to be there, in milliseconds. */
export const presentMs = 45_000
/** A worker without leases that was seen so long ago is gone, in milliseconds. */
export const goneMs = 60_000

/** A text of at most `max` characters that can be kept. */
export const shortText = (max: number) => z.string().min(1).max(max).refine(isStorable, unstorable)

export const workerName = shortText(100)

/** Which lease a request is about, and how far the work has come. */
export const leaseFields = {
  taskId: z.string(),
  fence: z.int().min(1),
  progress: z.number().min(0, 'must be at least 0').max(100, 'must be at most 100').optional(),
  step: shortText(200).optional(),
}

/** What a program says of itself when it claims tasks. */
export const workerFields = {
  /** Tells the workers of one token apart. */
  worker: workerName,
  version: shortText(50).optional(),
  slots: z.int().min(1).max(maxSlots).optional(),
}

/** A remote worker as it claims tasks. */
export interface RemoteWorkerSigns {
  readonly accountId: string
  /** Who claims; another who uses the same name is another worker. */
  readonly principalId: string
  readonly name: string
  readonly version: string | undefined
  readonly slots: number
  readonly types: readonly string[]
}
