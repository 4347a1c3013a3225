/** A device that waits for somebody to sign it in. */
export interface DeviceRow {
  readonly id: string
  readonly clientName: string
  readonly scopes: string[]
  readonly address: string
  readonly userAgent: string | null
  readonly createdAt: Date
  readonly expiresAt: Date
}
