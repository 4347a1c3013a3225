import { AppError } from '#lib/errors.ts'

/** Why a token of another issuer is not exchanged. */
export type ExchangeRefusal = 'UNTRUSTED_ISSUER' | 'INVALID_TOKEN' | 'NO_MATCHING_RULE'

const sentences: Readonly<Record<ExchangeRefusal, string>> = {
  UNTRUSTED_ISSUER: 'No trust rule names the issuer of this token.',
  INVALID_TOKEN: 'The token is not valid: its signature, audience, lifetime or form is wrong.',
  NO_MATCHING_RULE: 'No trust rule matches the claims of this token.',
}

/** A token of another issuer is not exchanged. */
export class ExchangeRefused extends AppError {
  readonly code = 'UNAUTHENTICATED'
  readonly reason: ExchangeRefusal
  constructor(reason: ExchangeRefusal, options?: ErrorOptions) {
    super(sentences[reason], options)
    this.reason = reason
  }
}

/** The keys of a trusted issuer can't be fetched now. */
export class IssuerFailed extends AppError {
  readonly code = 'UPSTREAM_FAILED'
  constructor(issuer: string, options?: ErrorOptions) {
    super(`The keys of the issuer ${issuer} cannot be fetched at the moment; try again later.`, options)
  }
}
