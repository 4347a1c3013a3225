import { AppError } from '#lib/errors.ts'
import type { OrgState } from './org.ts'

export class SalesforceOrgNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor(org: string) {
    super(`There is no Salesforce org ${org}.`)
  }
}

/** No org was named, and the account has no default one. */
export class NoDefaultOrg extends AppError {
  readonly code = 'NOT_FOUND'
  constructor() {
    super('The account has no default Salesforce org: name one, or make one the default.')
  }
}

/** An org can't be connected to with what was given, so nothing was stored. */
export class SalesforceConnectionFailed extends AppError {
  readonly code = 'SALESFORCE_CONNECTION_FAILED'
  /** Salesforce's own code, such as `invalid_grant`, or one of ours for what prevented an answer. */
  readonly reason: string
  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** A registered org can't be used for now, or until it is registered again. */
export class SalesforceOrgUnusable extends AppError {
  readonly code = 'SALESFORCE_ORG_UNUSABLE'
  readonly state: OrgState
  constructor(username: string, state: OrgState, message: string, options?: ErrorOptions) {
    super(`The Salesforce org ${username} can't be used (${state}): ${message}`, options)
    this.state = state
  }
}

/** A call to a registered org failed; the org itself can be used. */
export class SalesforceCallFailed extends AppError {
  readonly code = 'UPSTREAM_FAILED'
  readonly reason: string
  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

interface FailureFacts {
  /** Salesforce's own code, or one of ours. */
  readonly reason: string
  /** What the org's state is after it; undefined: it says nothing about the org. */
  readonly state?: Exclude<OrgState, 'ACTIVE'> | undefined
  /** The access token is not valid any more. */
  readonly isSessionInvalid?: boolean
  /** Whether trying again later can help. */
  readonly mayPass?: boolean
}

/** Salesforce refused a request or did not answer it; inside of this domain only. */
export class SalesforceFailure extends Error {
  readonly reason: string
  readonly state: Exclude<OrgState, 'ACTIVE'> | undefined
  readonly isSessionInvalid: boolean
  readonly mayPass: boolean
  constructor(
    message: string,
    { reason, state, isSessionInvalid = false, mayPass = false }: FailureFacts,
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.name = 'SalesforceFailure'
    this.reason = reason
    this.state = state
    this.isSessionInvalid = isSessionInvalid
    this.mayPass = mayPass || state === 'MAINTENANCE'
  }
}
