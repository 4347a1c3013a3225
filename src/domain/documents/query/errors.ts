import { AppError } from '#lib/errors.ts'

/** The database had not found an answer when the time for it was over. */
export class QueryTooSlow extends AppError {
  readonly code = 'TOO_COMPLEX'
  constructor(limitMs: number) {
    super(
      `The query was broken off after ${limitMs / 1000} seconds. Ask for one collection, for values that are equal to something, or declare an index for what is asked about.`,
    )
  }
}
