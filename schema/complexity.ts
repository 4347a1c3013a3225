import { type GraphQLField, type GraphQLOutputType, getNamedType, isLeafType, isListType, isNonNullType } from 'graphql'

/** The assumed length of a list without a declared one. */
const usualItems = 10
const pageSizes = { default: 50, max: 200 } as const

/**
 * The default cost of a field: 1 for each object of the response, and nothing for its scalars. A connection's page counts
 * as full, any other list as ten items.
 */
export function fieldComplexity(
  args: Readonly<Record<string, unknown>>,
  _context: unknown,
  { type }: Pick<GraphQLField<unknown, unknown>, 'type'>,
) {
  const named = getNamedType(type)
  if (isLeafType(named)) return 0
  if (named.name.endsWith('Connection')) return { field: 1, multiplier: pageOf(args['first']) }
  return isList(type) ? { field: usualItems, multiplier: usualItems } : 1
}

function pageOf(first: unknown): number {
  return typeof first === 'number' ? Math.min(Math.max(1, first), pageSizes.max) : pageSizes.default
}

function isList(type: GraphQLOutputType): boolean {
  return isNonNullType(type) ? isList(type.ofType) : isListType(type)
}

/** For a list whose length its parent has counted already: each item costs 1. */
export const countedList = { field: 1, multiplier: 1 } as const

/** For a field that reads bytes from elsewhere, one request to the database for each. */
export const separateRead = 5
