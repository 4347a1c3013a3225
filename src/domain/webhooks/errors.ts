import { AppError } from '#lib/errors.ts'

export class WebhookNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor(id: string) {
    super(`There is no webhook ${id}.`)
  }
}

export class DeliveryNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor(id: string) {
    super(`There is no delivery ${id}.`)
  }
}

/** Nothing is sent to a webhook that is switched off. */
export class WebhookNotActive extends AppError {
  readonly code = 'WEBHOOK_NOT_ACTIVE'
  readonly status: string
  constructor(id: string, status: string) {
    super(`The webhook ${id} is ${status}; set it ACTIVE before sending anything to it.`)
    this.status = status
  }
}

/** The receiver was asked whether it wants to be called, and did not agree. */
export class WebhookNotAccepted extends AppError {
  readonly code = 'UPSTREAM_FAILED'
  constructor(reason: string) {
    super(`The receiver did not agree to be called: ${reason}.`)
  }
}

/** A webhook's document was answered with errors: there is nothing that could be sent. */
export class DocumentRefused extends Error {
  constructor(reasons: readonly string[]) {
    super(`The query failed: ${reasons.join(' ')}`)
    this.name = 'DocumentRefused'
  }
}

/** The event has expired, so it can't be delivered again. */
export class EventGone extends AppError {
  readonly code = 'CURSOR_EXPIRED'
  constructor() {
    super('The event has passed its retention and cannot be delivered again.')
  }
}

/** A secret is shown once and can't be shown to who asks again under the same key. */
export class WebhookSecretShown extends AppError {
  readonly code = 'TOKEN_SHOWN'
  readonly id: string
  constructor(id: string) {
    super(`The webhook ${id} was created by an earlier request with this idempotency key, and its secret shown then.`)
    this.id = id
  }
}
