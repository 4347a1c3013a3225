import { errorMessage } from '#lib/errors.ts'
import { EgressRefused } from './egress.ts'

/** Why an outbound call has no answer: `refused` stands for all that keeps a connection from being made, or breaks it. */
export type OutboundFailureClass = 'timeout' | 'refused' | 'blocked' | 'tls' | 'too_large'

/** How an outbound call came out. */
export type OutboundClass = 'success' | 'client_error' | 'server_error' | OutboundFailureClass

/** An answer's class: redirects are not followed, and count as the caller's fault, who gave the wrong address. */
export function classOfStatus(status: number): OutboundClass {
  if (status >= 500) return 'server_error'
  return status >= 200 && status < 300 ? 'success' : 'client_error'
}

/** An outbound call that has no answer, or none that could be taken whole. */
export class OutboundFailure extends Error {
  readonly failure: OutboundFailureClass
  constructor(failure: OutboundFailureClass, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'OutboundFailure'
    this.failure = failure
  }
}

const timeouts = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'])
const tlsCode =
  /^(CERT_|CRL_|ERR_TLS|ERR_SSL|ERR_OSSL|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|EPROTO$)/

/** Classifies what was thrown during a call; its message names at most host and address. */
export function outboundFailure(error: unknown, timeoutMs: number): OutboundFailure {
  if (error instanceof OutboundFailure) return error
  const failure = failureClass(error)
  if (failure === 'timeout')
    return new OutboundFailure(failure, `There was no complete answer within ${timeoutMs} ms.`, { cause: error })
  if (failure === 'tls')
    return new OutboundFailure(failure, `There is no TLS connection to be trusted: ${tlsReason(error)}.`, {
      cause: error,
    })
  return new OutboundFailure(failure, errorMessage(error) || codeOf(error) || 'The connection broke.', { cause: error })
}

function failureClass(error: unknown): OutboundFailureClass {
  if (error instanceof EgressRefused) return 'blocked'
  const code = codeOf(error)
  if (timeouts.has(code) || (error instanceof Error && error.name === 'TimeoutError')) return 'timeout'
  if (tlsCode.test(code)) return 'tls'
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE' || code === 'UND_ERR_HEADERS_OVERFLOW') return 'too_large'
  return error instanceof Error && error.cause !== undefined ? failureClass(error.cause) : 'refused'
}

/** What OpenSSL's own texts say behind numbers, file names and lines. */
function tlsReason(error: unknown): string {
  const { reason } = (error ?? {}) as { reason?: unknown }
  return typeof reason === 'string' ? reason : errorMessage(error)
}

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : ''
}
