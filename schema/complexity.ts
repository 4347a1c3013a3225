import { type GraphQLField, type GraphQLOutputType, getNamedType, isLeafType, isListType, isNonNullType } from 'graphql'

/** How many items a list is taken to have that says nothing of it. */
const usualItems = 10
const pageSizes = { default: 50, max: 200 } as const

/**
 * What a field costs that says nothing else: each object of the answer is 1, what it consists of nothing. A connection's
 * page is taken to be full, any other list to have ten items.
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
