import { brandWithType } from '@pothos/core'
import { queryFromInfo } from '@pothos/plugin-prisma'
import { Forbidden } from '#domain/access/errors.ts'
import { isId } from '#lib/ids.ts'
import { visibleTeams } from './access/visible.ts'
import { builder, type Context } from './builder.ts'
import { NodeRef } from './node.ts'
import { visibleTasks } from './tasks/visible.ts'

/** Finds what has this id, with what the operation asks of it. @throws {Forbidden} when the caller may not read the type */
type Find = (id: string, context: Context, query: object) => Promise<{ readonly id: string } | null>

/** The types with an id, those that are asked for most come first; each is read by the rule of its own field. */
const finders: Readonly<Record<string, Find>> = {
  Task: (id, { caller, db }, query) => db.task.findFirst({ ...query, where: { id, ...visibleTasks(caller) } }),
  Webhook(id, { caller, db }, query) {
    caller.must('webhooks:admin')
    return db.webhook.findFirst({ ...query, where: { id, deletedAt: null } })
  },
  Delivery(id, { caller, db }, query) {
    caller.must('webhooks:admin')
    return db.delivery.findFirst({ ...query, where: { id } })
  },
  ApplicationToken(id, { caller, db }, query) {
    caller.must('access:admin')
    return db.applicationToken.findFirst({ ...query, where: { id } })
  },
  User(id, { caller, access, db }, query) {
    access.users.mustSee(caller, id)
    return db.user.findFirst({ ...query, where: { id, removedAt: null } })
  },
  Team: (id, { caller, db }, query) => db.team.findFirst({ ...query, where: { id, ...visibleTeams(caller) } }),
  Session(id, { caller, access, db }, query) {
    // People see their own, and those of others when they administer access.
    const user = caller.can('access:admin') ? {} : access.sessions.personIn(caller, undefined)
    const isOpen = { endedAt: null, expiresAt: { gt: new Date() } }
    return db.session.findFirst({ ...query, where: { id, ...isOpen, user: { removedAt: null, ...user } } })
  },
}

async function orNull(find: () => ReturnType<Find>): ReturnType<Find> {
  try {
    return await find()
  } catch (error) {
    if (error instanceof Forbidden) return null
    throw error
  }
}

builder.queryField('node', (t) =>
  t.field({
    type: NodeRef,
    nullable: true,
    description: 'What has this id; null when the account has nothing with it that the caller may read.',
    complexity: { field: Object.keys(finders).length, multiplier: 1 },
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: async (_root, { id }, context, info) => {
      if (!isId(id)) return null
      for (const [typeName, find] of Object.entries(finders)) {
        const node = await orNull(async () => find(id, context, queryFromInfo({ context, info, typeName })))
        if (node === null) continue
        brandWithType(node, typeName as never)
        return node
      }
      return null
    },
  }),
)
