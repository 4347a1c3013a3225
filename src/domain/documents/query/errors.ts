import { AppError } from '#lib/errors.ts'

/** The database had not found an answer when the time for it was over. */
export class QueryTooSlow extends AppError {
  readonly code = 'TOO_COMPLEX'
  constructor(limitMs: number) {
    super(
      `The query was stopped after ${limitMs / 1000} seconds. Query a single collection, compare by equality, or declare an index for the path.`,
    )
  }
}
