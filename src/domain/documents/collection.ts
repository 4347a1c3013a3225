/** What a collection asks of what is written to it. */
export interface CollectionRules {
  /** Each write has to say which version it changes. */
  readonly requireVersion: boolean
  /** Checks what a document is to hold. @throws {SchemaViolation} */
  readonly check: (data: unknown) => void
}

/** Of a collection that nobody has made rules for. */
export const noRules: CollectionRules = { requireVersion: false, check: () => undefined }
