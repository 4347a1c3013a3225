import { AppError } from '#lib/errors.ts'

export class ScheduleNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor(id: string) {
    super(`There is no schedule ${id}.`)
  }
}

/** The schedule has no further runs, so there is nothing to pause or to resume. */
export class ScheduleEnded extends AppError {
  readonly code = 'SCHEDULE_ENDED'
  constructor(id: string) {
    super(`Schedule ${id} has ended.`)
  }
}
