import { AppError } from '#lib/errors.ts'
import type { QuotaName } from './quota.ts'

const texts: Readonly<Record<QuotaName, string>> = {
  waitingTasks: 'tasks that wait',
  runningTasks: 'tasks that run',
  storedBytes: 'stored bytes',
  applicationTokens: 'application tokens',
  webhooks: 'webhooks',
}

/** The account has as much as it may have. */
export class QuotaExceeded extends AppError {
  readonly code = 'QUOTA_EXCEEDED'
  readonly quota: QuotaName
  readonly limit: number
  readonly used: number
  constructor(quota: QuotaName, limit: number, used: number) {
    super(`The quota of ${limit} ${texts[quota]} is exhausted: the account has ${used}.`)
    this.quota = quota
    this.limit = limit
    this.used = used
  }
}
