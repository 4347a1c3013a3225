import { LRUCache } from 'lru-cache'
import type { Prisma, PrismaClient } from './generated/client.ts'

const reads = new Set([
  'findUnique',
  'findUniqueOrThrow',
  'findFirst',
  'findFirstOrThrow',
  'findMany',
  'count',
  'aggregate',
  'groupBy',
])

/** Where a model's rows say which account they belong to; models that are missing here belong to no account. */
const accountColumn: Partial<Record<Prisma.ModelName, 'accountId' | 'id'>> = {
  Account: 'id',
  ApplicationToken: 'accountId',
  AuditEntry: 'accountId',
  Collection: 'accountId',
  Document: 'accountId',
  DocumentVersion: 'accountId',
  Delivery: 'accountId',
  DeliveryAttempt: 'accountId',
  SalesforceOrg: 'accountId',
  Session: 'accountId',
  Task: 'accountId',
  TaskLog: 'accountId',
  TaskPart: 'accountId',
  TaskSchedule: 'accountId',
  Team: 'accountId',
  TeamMember: 'accountId',
  User: 'accountId',
  Webhook: 'accountId',
}

/** The database as one account may read it. */
export type AccountView = ReturnType<typeof viewAccount>

/**
 * The one place where reads are kept inside an account: every query through this client sees that account's rows only,
 * and none can write. Nested relations stay inside because their foreign keys hold the account.
 */
function viewAccount(prisma: PrismaClient, accountId: string) {
  return prisma.$extends({
    query: {
      $allModels: {
        $allOperations({ model, operation, args, query }) {
          const column = accountColumn[model]
          if (!reads.has(operation) || column === undefined)
            throw new Error(`${model}.${operation} is not for callers: they only read what belongs to their account.`)
          return query({
            ...args,
            where: limited((args as { where?: object }).where, column, accountId),
          } as typeof args)
        },
      },
      $allOperations({ model, operation, args, query }) {
        if (model === undefined) throw new Error(`${operation} is not for callers: raw SQL knows no account.`)
        return query(args)
      },
    },
  })
}

/** The caller's own condition and ours: beside it, never instead of it. A unique look-up takes further columns as filters. */
function limited(where: object | undefined, column: string, accountId: string): object {
  if (where === undefined || !(column in where)) return { ...where, [column]: accountId }
  const own = (where as { AND?: unknown }).AND
  return { ...where, AND: [{ [column]: accountId }, ...(own === undefined ? [] : [own].flat())] }
}

/** Making a view costs more than a query through it, so those of the accounts in use are kept. */
export class AccountViews {
  readonly #prisma: PrismaClient
  readonly #views = new LRUCache<string, AccountView>({ max: 1_000 })

  constructor(prisma: PrismaClient) {
    this.#prisma = prisma
  }

  of(accountId: string): AccountView {
    const known = this.#views.get(accountId)
    if (known !== undefined) return known
    const view = viewAccount(this.#prisma, accountId)
    this.#views.set(accountId, view)
    return view
  }
}
