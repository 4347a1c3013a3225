import type { FakeAnswer } from './oauth.ts'

/** A refusal in the form of the REST API. */
export class ApiRefusal extends Error {
  readonly status: number
  readonly errorCode: string
  constructor(status: number, errorCode: string, message: string) {
    super(message)
    this.status = status
    this.errorCode = errorCode
  }

  answer(): FakeAnswer {
    return { status: this.status, body: [{ message: this.message, errorCode: this.errorCode }] }
  }
}

export function notFound(): ApiRefusal {
  return new ApiRefusal(404, 'NOT_FOUND', 'The requested resource does not exist')
}

export function notAllowed(): ApiRefusal {
  return new ApiRefusal(405, 'METHOD_NOT_ALLOWED', 'HTTP Method not allowed. Allowed are HEAD,GET,POST,PATCH')
}
