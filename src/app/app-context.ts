import type { QuotaService } from '#domain/quotas/service.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import type { Config } from '#src/config.ts'
import type { CleanupStack } from './cleanup.ts'
import type { DataLayer } from './data-layer.ts'

/** The dependencies that every part of a process receives. */
export interface AppContext {
  readonly config: Config
  readonly data: DataLayer
  readonly secretKey: Uint8Array
  readonly quotas: QuotaService
  readonly log: Logger
  /** Closes, when the server stops, what a part has opened. */
  readonly cleanup: CleanupStack
}
