import { brandWithType } from '@pothos/core'
import { queryFromInfo } from '@pothos/plugin-prisma'
import type { GraphQLResolveInfo } from 'graphql'
import { Forbidden } from '#domain/access/errors.ts'
import { invalidValue } from '#lib/errors.ts'
import { isId } from '#lib/ids.ts'
import { visibleTeams, visibleTokens } from './access/visible.ts'
import { builder, type Context } from './builder.ts'
import { NodeRef } from './node.ts'
import { visibleTasks } from './tasks/visible.ts'

interface Found {
  readonly id: string
}

/** Finds the objects with these ids, in any order, with the fields that the operation selects. @throws {Forbidden} */
type Find = (ids: readonly string[], context: Context, query: object) => Promise<readonly Found[]>

const maxNodes = 100
const within = (ids: readonly string[]) => ({ in: [...ids] })

/** The types with an id, the most requested first; each is read by the same rule as its own field. */
const finders: Readonly<Record<string, Find>> = {
  Task: (ids, { caller, db }, query) =>
    db.task.findMany({ ...query, where: { id: within(ids), ...visibleTasks(caller) } }),
  TaskSchedule: (ids, { caller, db }, query) =>
    db.taskSchedule.findMany({ ...query, where: { id: within(ids), ...visibleTasks(caller) } }),
  Webhook(ids, { caller, db }, query) {
    caller.must('webhooks:admin')
    return db.webhook.findMany({ ...query, where: { id: within(ids), deletedAt: null } })
  },
  Delivery(ids, { caller, db }, query) {
    caller.must('webhooks:admin')
    return db.delivery.findMany({ ...query, where: { id: within(ids) } })
  },
  SalesforceOrg(ids, { caller, db }, query) {
    caller.must('salesforce:use')
    return db.salesforceOrg.findMany({ ...query, where: { id: within(ids) } })
  },
  ApplicationToken: (ids, { caller, db }, query) =>
    db.applicationToken.findMany({ ...query, where: { id: within(ids), ...visibleTokens(caller) } }),
  User(ids, { caller, access, db }, query) {
    const seen = ids.filter((id) => allowed(() => access.users.mustSee(caller, id)))
    return seen.length === 0
      ? Promise.resolve([])
      : db.user.findMany({ ...query, where: { id: within(seen), removedAt: null } })
  },
  Team: (ids, { caller, db }, query) =>
    db.team.findMany({ ...query, where: { id: within(ids), ...visibleTeams(caller) } }),
  Session(ids, { caller, access, db }, query) {
    // People see their own, and those of others when they administer access.
    const user = caller.can('access:admin') ? {} : access.sessions.personIn(caller, undefined)
    const isOpen = { endedAt: null, expiresAt: { gt: new Date() } }
    return db.session.findMany({ ...query, where: { id: within(ids), ...isOpen, user: { removedAt: null, ...user } } })
  },
}
/** Types that are not read from a table alone. */
const ownFinders: Readonly<Record<string, (ids: readonly string[], context: Context) => Promise<readonly Found[]>>> = {
  Environment: (ids, { caller, environments }) => environments.findAll(caller, ids),
}
const finderCount = Object.keys(finders).length + Object.keys(ownFinders).length

/** Finds objects of a type. */
function finderOf(typeName: string, context: Context, info: GraphQLResolveInfo) {
  const own = ownFinders[typeName]
  if (own !== undefined) return (ids: readonly string[]) => own(ids, context)
  const find = finders[typeName]
  return async (ids: readonly string[]) =>
    (await find?.(ids, context, queryFromInfo({ context, info, typeName }))) ?? []
}

function allowed(must: () => void): boolean {
  try {
    must()
    return true
  } catch (error) {
    if (error instanceof Forbidden) return false
    throw error
  }
}

async function orNothing(find: () => ReturnType<Find>): ReturnType<Find> {
  try {
    return await find()
  } catch (error) {
    if (error instanceof Forbidden) return []
    throw error
  }
}

/** The objects with these ids that the caller may see, in order; at most one statement for each type. */
async function findNodes(
  ids: readonly string[],
  context: Context,
  info: GraphQLResolveInfo,
): Promise<(Found | null)[]> {
  const found = new Map<string, Found>()
  let missing = [...new Set(ids.filter(isId).map((id) => id.toLowerCase()))]
  for (const typeName of [...Object.keys(finders), ...Object.keys(ownFinders)]) {
    if (missing.length === 0) break
    const wanted = missing
    const nodes = await orNothing(async () => finderOf(typeName, context, info)(wanted))
    for (const node of nodes) {
      brandWithType(node, typeName as never)
      found.set(node.id, node)
    }
    missing = missing.filter((id) => !found.has(id))
  }
  return ids.map((id) => found.get(id.toLowerCase()) ?? null)
}

builder.queryField('node', (t) =>
  t.field({
    type: NodeRef,
    nullable: true,
    description: 'The object with this id; null when there is none that the caller may read.',
    complexity: { field: finderCount, multiplier: 1 },
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: async (_root, { id }, context, info) => (await findNodes([id], context, info))[0] ?? null,
  }),
)

builder.queryField('nodes', (t) =>
  t.field({
    type: [NodeRef],
    nullable: { list: false, items: true },
    description: 'The objects with these ids, in order; null for each id without an object that the caller may read.',
    complexity: ({ ids }) => ({ field: finderCount, multiplier: Math.max(1, ids.length) }),
    args: { ids: t.arg.idList({ required: true, description: `The ids, at most ${maxNodes}.` }) },
    resolve: async (_root, { ids }, context, info) => {
      if (ids.length > maxNodes)
        throw invalidValue('`ids`', 'ids', `may have at most ${maxNodes} items, but has ${ids.length}`)
      return findNodes(ids, context, info)
    },
  }),
)
