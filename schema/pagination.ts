import type { ObjectRef } from '@pothos/core'
import { queryFromInfo } from '@pothos/plugin-prisma'
import type { GraphQLResolveInfo } from 'graphql'
import { invalidValue } from '#lib/errors.ts'
import { builder, type Context } from './builder.ts'
import { countedList } from './complexity.ts'

const pageLimits = { default: 50, max: 200 } as const

interface Page<Node> {
  readonly nodes: readonly Node[]
  /** One for each node. */
  readonly cursors: readonly string[]
  readonly hasNextPage: boolean
  /** Whether the page continues after a cursor. */
  readonly hasPreviousPage: boolean
  /** Where the next page continues, when that is not after the last node. */
  readonly endCursor?: string | undefined
}

interface PageBounds {
  readonly startCursor: string | null
  readonly endCursor: string | null
  readonly hasNextPage: boolean
  readonly hasPreviousPage: boolean
}

const PageInfo = builder.objectRef<PageBounds>('PageInfo').implement({
  description: 'The bounds of a page.',
  fields: (t) => ({
    endCursor: t.exposeString('endCursor', {
      nullable: true,
      description: 'Pass it as `after` for the next page; null on an empty page.',
    }),
    hasNextPage: t.exposeBoolean('hasNextPage', { description: 'Whether there are items after this page.' }),
    startCursor: t.exposeString('startCursor', {
      nullable: true,
      description: 'The cursor of the first item; null on an empty page. Lists can only be paged forward.',
    }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', {
      description: 'Whether the page was requested with `after`, so that there are items before it.',
    }),
  }),
})

/** The connection type of a list: `nodes`, `edges` with their cursors, and `pageInfo`. */
// biome-ignore lint/suspicious/noExplicitAny: an object type's reference carries the schema's own types, which nothing here depends on
export function connectionOf<Node, More extends object = object>(name: string, node: ObjectRef<any, Node, any>) {
  const edge = builder.objectRef<{ node: Node; cursor: string }>(`${name}Edge`).implement({
    description: `An item of a list: its ${name} and its cursor.`,
    fields: (t) => ({
      cursor: t.exposeString('cursor', { description: 'Pass it as `after` to continue after this item.' }),
      node: t.field({ type: node, description: `The ${name}.`, resolve: (parent) => parent.node as never }),
    }),
  })
  return builder.objectRef<Page<Node> & More>(`${name}Connection`).implement({
    description: `A page of a list: ${name}.`,
    fields: (t) => ({
      nodes: t.field({
        type: [node],
        description: 'The items of the page.',
        complexity: countedList,
        resolve: (page) => page.nodes as never,
      }),
      edges: t.field({
        type: [edge],
        description: 'The items, each with its cursor.',
        complexity: countedList,
        resolve: (page) => page.nodes.map((one, index) => ({ node: one, cursor: page.cursors[index] ?? '' })),
      }),
      pageInfo: t.field({
        type: PageInfo,
        description: 'The bounds of the page.',
        complexity: 0,
        resolve: ({ cursors, hasNextPage, hasPreviousPage, endCursor }) => ({
          startCursor: cursors[0] ?? null,
          endCursor: endCursor ?? cursors.at(-1) ?? null,
          hasNextPage,
          hasPreviousPage,
        }),
      }),
    }),
  })
}

/** The requested page size. @throws {InvalidInput} when it is more than a page holds, or less than 1. */
export function pageSize(first: number | null | undefined): number {
  const size = first ?? pageLimits.default
  if (size < 1 || size > pageLimits.max)
    throw invalidValue('`first`', 'first', `must be 1 to ${pageLimits.max}, but is ${size}`)
  return size
}

/** A page of what was read after a cursor: one more than asked for means that there is a next page. */
export function pageOf<Node>(
  read: readonly Node[],
  size: number,
  after: string | null | undefined,
  cursorOf: (node: Node) => string,
): Page<Node> {
  const nodes = read.slice(0, size)
  return { nodes, cursors: nodes.map(cursorOf), hasNextPage: read.length > size, hasPreviousPage: isContinued(after) }
}

/** Whether a list requested with this `after` continues after an item. */
export function isContinued(after: string | null | undefined): boolean {
  return Boolean(after)
}

/** What Prisma has to load for the nodes of a connection: the selected fields, and nothing else. */
export function nodeQuery(context: Context, info: GraphQLResolveInfo, typeName: string): { select?: object } {
  return queryFromInfo({ context, info, typeName, paths: [['nodes'], ['edges', 'node']] }) as { select?: object }
}
