import { AppError } from '#lib/errors.ts'
import { isRecord } from '#lib/json.ts'

/** What Apollo's clients look for when they send a query's hash alone: they send its text then, and no hash any more. */
class PersistedQueryNotSupported extends AppError {
  readonly code = 'PERSISTED_QUERY_NOT_SUPPORTED'
  constructor() {
    // This word is what their protocol has.
    super('PersistedQueryNotSupported')
  }
}

/** The refusal of a request that has a query's hash and no query; undefined for every other one. */
export function automaticPersistedQueryFault(params: {
  readonly query?: unknown
  readonly extensions?: unknown
}): AppError | undefined {
  const { query, extensions } = params
  const hasHash = isRecord(extensions) && isRecord(extensions['persistedQuery'])
  return hasHash && (query == null || query === '') ? new PersistedQueryNotSupported() : undefined
}
