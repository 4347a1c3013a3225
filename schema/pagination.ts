import type { ObjectRef } from '@pothos/core'
import { queryFromInfo } from '@pothos/plugin-prisma'
import type { GraphQLResolveInfo } from 'graphql'
import { InvalidInput } from '#lib/errors.ts'
import { builder, type Context } from './builder.ts'
import { countedList } from './complexity.ts'

const pageLimits = { default: 50, max: 200 } as const

interface Page<Node> {
  readonly nodes: readonly Node[]
  /** One for each node. */
  readonly cursors: readonly string[]
  readonly hasNextPage: boolean
  /** Where the next page goes on, when that is not behind the last node. */
  readonly endCursor?: string | undefined
}

const PageInfo = builder.objectRef<{ endCursor: string | null; hasNextPage: boolean }>('PageInfo').implement({
  description: 'Where a page ends.',
  fields: (t) => ({
    endCursor: t.exposeString('endCursor', {
      nullable: true,
      description: 'Hand it in as `after` for the next page; null on an empty page.',
    }),
    hasNextPage: t.exposeBoolean('hasNextPage', { description: 'Whether there is more after this page.' }),
  }),
})

/** The connection type of a list: `nodes`, `edges` with their cursors, and `pageInfo`. */
// biome-ignore lint/suspicious/noExplicitAny: an object type's reference carries the schema's own types, which nothing here depends on
export function connectionOf<Node>(name: string, node: ObjectRef<any, Node, any>) {
  const edge = builder.objectRef<{ node: Node; cursor: string }>(`${name}Edge`).implement({
    description: `One place in a list: its ${name} and the cursor that stands for it.`,
    fields: (t) => ({
      cursor: t.exposeString('cursor', { description: 'Hand it in as `after` to go on behind this place.' }),
      node: t.field({ type: node, description: `The ${name}.`, resolve: (parent) => parent.node as never }),
    }),
  })
  return builder.objectRef<Page<Node>>(`${name}Connection`).implement({
    description: `A page of a list: ${name}.`,
    fields: (t) => ({
      nodes: t.field({
        type: [node],
        description: 'What the page holds.',
        complexity: countedList,
        resolve: (page) => page.nodes as never,
      }),
      edges: t.field({
        type: [edge],
        description: 'The same with a cursor each.',
        complexity: countedList,
        resolve: (page) => page.nodes.map((one, index) => ({ node: one, cursor: page.cursors[index] ?? '' })),
      }),
      pageInfo: t.field({
        type: PageInfo,
        description: 'Where the page ends.',
        complexity: 0,
        resolve: ({ cursors, hasNextPage, endCursor }) => ({
          endCursor: endCursor ?? cursors.at(-1) ?? null,
          hasNextPage,
        }),
      }),
    }),
  })
}

/** How many nodes were asked for. @throws {InvalidInput} when more than a page holds, or none. */
export function pageSize(first: number | null | undefined): number {
  const size = first ?? pageLimits.default
  if (size < 1 || size > pageLimits.max)
    throw new InvalidInput(`\`first\` must be 1 to ${pageLimits.max}, but is ${size}.`, [
      { path: 'first', message: `must be 1 to ${pageLimits.max}` },
    ])
  return size
}

/** A page made of what was read for it: one more than asked for tells that there is a next one. */
export function pageOf<Node>(read: readonly Node[], size: number, cursorOf: (node: Node) => string): Page<Node> {
  const nodes = read.slice(0, size)
  return { nodes, cursors: nodes.map(cursorOf), hasNextPage: read.length > size }
}

/** What Prisma has to load for the nodes of a connection: what the query asks for, and nothing else. */
export function nodeQuery(context: Context, info: GraphQLResolveInfo, typeName: string): { select?: object } {
  return queryFromInfo({ context, info, typeName, paths: [['nodes'], ['edges', 'node']] }) as { select?: object }
}
