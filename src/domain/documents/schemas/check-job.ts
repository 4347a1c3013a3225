/** What a process for schema checks is asked. */
export interface CheckJob {
  readonly id: number
  /** A JSON Schema as JSON. */
  readonly schema: string
  /** What is to be checked, as JSON; undefined: whether the schema can be used. */
  readonly data: string | undefined
  /** How long the check may take, beside making the schema ready. */
  readonly limitMs: number
}

/** The result of a job. LATE: it exceeded its limit. */
export type CheckOutcome =
  | { readonly kind: 'VALID' | 'LATE' }
  | { readonly kind: 'INVALID'; readonly path: string; readonly reason: string }
  | { readonly kind: 'UNUSABLE'; readonly message: string }

export interface CheckAnswer {
  readonly id: number
  readonly outcome: CheckOutcome
  /** For how long the check itself computed. */
  readonly ms: number
}

/** How long a schema may take to be made ready, in milliseconds. */
export const compileMs = 1_000
