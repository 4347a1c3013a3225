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
  Task: 'accountId',
  TaskLog: 'accountId',
  TaskPart: 'accountId',
}

/** The database as one account may read it. */
export type AccountView = ReturnType<typeof viewAccount>

/**
 * The one place where reads are kept inside an account: every query through this client sees that account's rows only,
 * and none can write. Nested relations stay inside because their foreign keys hold the account.
 */
export function viewAccount(prisma: PrismaClient, accountId: string) {
  return prisma.$extends({
    query: {
      $allModels: {
        $allOperations({ model, operation, args, query }) {
          const column = accountColumn[model]
          if (!reads.has(operation) || column === undefined)
            throw new Error(`${model}.${operation} is not for callers: they only read what belongs to their account.`)
          const where = (args as { where?: object }).where
          // Beside the caller's own condition, never instead of it; a unique look-up takes further columns as filters.
          return query({
            ...args,
            where: { ...where, AND: [{ [column]: accountId }, ...conditions(where)] },
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

function conditions(where: object | undefined): unknown[] {
  const own = (where as { AND?: unknown } | undefined)?.AND
  if (own === undefined) return []
  return Array.isArray(own) ? own : [own]
}
