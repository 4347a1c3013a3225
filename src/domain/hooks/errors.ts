import { AppError } from '#lib/errors.ts'

export class HookNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor() {
    super('There is no hook at this address.')
  }
}

/** The call does not prove that it comes from the sender that the hook is for. */
export class HookSignatureRefused extends AppError {
  readonly code = 'UNAUTHENTICATED'
  constructor() {
    super('The call does not have a valid signature or secret for this hook, or is too old.')
  }
}

/** What was taken before comes again under another id: somebody repeats a call that they have listened to. */
export class HookCallReplayed extends AppError {
  readonly code = 'ALREADY_EXISTS'
  constructor() {
    super('A call with the same content was already accepted under another delivery id.')
  }
}

/** The same delivery id came before with another content. */
export class DeliveryIdReused extends AppError {
  readonly code = 'IDEMPOTENCY_KEY_REUSED'
  constructor(id: string) {
    super(`The delivery id "${id}" belongs to a call with different content.`)
  }
}
