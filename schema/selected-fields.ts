import { type GraphQLResolveInfo, Kind, type SelectionSetNode } from 'graphql'

type Fragments = GraphQLResolveInfo['fragments']

/**
 * The names of the fields that a query asks for below its own field, at the ends of these paths. A superset: conditions
 * on types, and `@skip` and `@include`, are not looked at.
 */
export function selectedFields(
  info: Pick<GraphQLResolveInfo, 'fieldNodes' | 'fragments'>,
  paths: readonly (readonly string[])[],
): ReadonlySet<string> {
  const names = new Set<string>()
  for (const path of paths) {
    const sets = info.fieldNodes.flatMap(({ selectionSet }) => selectionSet ?? [])
    const parents = path.reduce((above, step) => fieldsBelow(above, info.fragments, step), sets)
    for (const { name } of eachField(parents, info.fragments)) names.add(name.value)
  }
  return names
}

/** What is selected below all fields of this name. */
function fieldsBelow(sets: readonly SelectionSetNode[], fragments: Fragments, name: string): SelectionSetNode[] {
  return [...eachField(sets, fragments)].flatMap((field) =>
    field.name.value === name && field.selectionSet !== undefined ? [field.selectionSet] : [],
  )
}

/** The fields of selections and of the fragments that they spread, each fragment once. */
function* eachField(sets: readonly SelectionSetNode[], fragments: Fragments) {
  const reached = new Set(sets)
  // What is added on the way is reached, too.
  for (const { selections } of reached)
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        yield selection
        continue
      }
      const inner = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments[selection.name.value]
      if (inner !== undefined) reached.add(inner.selectionSet)
    }
}
