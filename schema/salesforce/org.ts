import { decodeCursor, encodeCursor, InvalidCursor } from '#lib/cursor.ts'
import { invalidValue } from '#lib/errors.ts'
import { isId } from '#lib/ids.ts'
import { isRecord } from '#lib/json.ts'
import type { Actor } from '#platform/journal/entry.ts'
import { builder } from '#schema/builder.ts'
import { NodeRef } from '#schema/node.ts'
import { connectionOf, nodeQuery, pageOf, pageSize } from '#schema/pagination.ts'
import { SalesforceAuthMethodEnum, SalesforceOrgKindEnum, SalesforceOrgStateEnum } from './enums.ts'

export const SalesforceOrgRef = builder.prismaObject('SalesforceOrg', {
  interfaces: [NodeRef],
  description: 'A registered Salesforce org. Its credential is encrypted and never shown.',
  select: { accountId: true, id: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Stable, also when the org is registered again.' }),
    username: t.exposeString('username', { description: 'As whom the server acts in the org, in lower case.' }),
    orgId: t.exposeString('orgId', { description: 'Salesforce’s id of the org, 18 characters.' }),
    name: t.exposeString('name', { description: 'The name of the organization.' }),
    kind: t.expose('kind', { type: SalesforceOrgKindEnum, description: 'What sort of org it is.' }),
    edition: t.exposeString('edition', { description: 'As Salesforce names it, such as "Enterprise Edition".' }),
    instanceUrl: t.exposeString('instanceUrl', { description: 'Where the org is.' }),
    instanceName: t.exposeString('instanceName', { description: 'The instance that it runs on, such as `NA42`.' }),
    isDevHub: t.exposeBoolean('isDevHub', { description: 'Whether it creates scratch orgs.' }),
    isDefault: t.exposeBoolean('isDefault', { description: 'Whether it is the account’s default org.' }),
    parentUsername: t.exposeString('parentUsername', {
      nullable: true,
      description: 'Of a sandbox that was registered by name: the username in its production org.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When Salesforce deletes a scratch or trial org; null for others.',
    }),
    newestApiVersion: t.exposeString('newestApiVersion', {
      description: 'The newest that the org had, such as `66.0`.',
    }),
    metadata: t.field({
      type: 'JSON',
      description: 'An object of texts, numbers, true, false and null that lists can be filtered by.',
      select: { metadata: true },
      resolve: ({ metadata }) => metadata,
    }),
    method: t.expose('method', { type: SalesforceAuthMethodEnum, description: 'How access tokens are requested.' }),
    state: t.expose('state', { type: SalesforceOrgStateEnum, description: 'Whether it can be used.' }),
    stateMessage: t.exposeString('stateMessage', {
      nullable: true,
      description: 'Why it is not ACTIVE, in Salesforce’s own words.',
    }),
    stateSince: t.expose('stateSince', { type: 'DateTime', description: 'Since when it has this state.' }),
    refreshedAt: t.expose('refreshedAt', { type: 'DateTime', description: 'When an access token was last received.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was first registered.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last registered or changed.' }),
    createdBy: t.field({
      type: 'Actor',
      description: 'Who registered it first.',
      select: { createdBy: true },
      resolve: ({ createdBy }) => createdBy as unknown as Actor,
    }),
  }),
})

const SalesforceOrgConnection = connectionOf('SalesforceOrg', SalesforceOrgRef)

builder.queryField('salesforceOrg', (t) =>
  t.prismaField({
    type: SalesforceOrgRef,
    nullable: true,
    description: 'One Salesforce org; null when the account has none of this id or username.',
    args: { org: t.arg.string({ description: 'Its id or username; the default org when absent.' }) },
    resolve: (query, _root, { org }, { caller, db }) => {
      caller.must('salesforce:use')
      return db.salesforceOrg.findFirst({ ...query, where: named(org) })
    },
  }),
)

function named(org: string | null | undefined) {
  if (org === null || org === undefined) return { isDefault: true }
  return isId(org) ? { id: org } : { username: org.toLowerCase() }
}

builder.queryField('salesforceOrgs', (t) =>
  t.field({
    type: SalesforceOrgConnection,
    description: 'The account’s Salesforce orgs, those first that were registered last.',
    args: {
      kind: t.arg({ type: [SalesforceOrgKindEnum], description: 'One of these; all when absent.' }),
      state: t.arg({ type: [SalesforceOrgStateEnum], description: 'One of these; all when absent.' }),
      isDevHub: t.arg.boolean({ description: 'Only orgs that are Dev Hubs, or that are not.' }),
      metadata: t.arg({ type: 'JSON', description: 'An object; only orgs whose metadata has all its members.' }),
      first: t.arg.int({ description: 'How many, 1 to 200; 50 when absent.' }),
      after: t.arg.string({ description: 'Continue after this cursor.' }),
    },
    resolve: async (_root, { kind, state, isDevHub, metadata, first, after }, context, info) => {
      context.caller.must('salesforce:use')
      const size = pageSize(first)
      const read = await context.db.salesforceOrg.findMany({
        ...nodeQuery(context, info, 'SalesforceOrg'),
        where: {
          ...(kind && { kind: { in: kind } }),
          ...(state && { state: { in: state } }),
          ...(isDevHub !== null && isDevHub !== undefined && { isDevHub }),
          ...(metadata !== null && metadata !== undefined && { AND: membersOf(metadata) }),
          ...(after && { id: { lt: behind(after) } }),
        },
        orderBy: { id: 'desc' },
        take: size + 1,
      })
      return pageOf(read, size, after, ({ id }) => encodeCursor('salesforce-orgs', [id]))
    },
  }),
)

const maxMembers = 20

/** A condition for each member. @throws {InvalidInput} */
function membersOf(metadata: unknown) {
  const fault = `must be an object of at most ${maxMembers} texts, numbers, true and false`
  const members = isRecord(metadata) ? Object.entries(metadata) : undefined
  if (members === undefined || members.length > maxMembers || !members.every(([, value]) => isScalar(value)))
    throw invalidValue('`metadata`', 'metadata', fault)
  return members.map(([name, value]) => ({ metadata: { path: [name], equals: value as string } }))
}

function isScalar(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value)
}

function behind(cursor: string): string {
  const [id = ''] = decodeCursor('salesforce-orgs', cursor, 1)
  if (!isId(id)) throw new InvalidCursor()
  return id
}
