import { type GraphQLResolveInfo, Kind, type SelectionSetNode } from 'graphql'

/**
 * The names of the fields that a query asks for below its own field, at the ends of these paths. A superset: conditions
 * on types, and `@skip` and `@include`, are not looked at.
 */
export function selectedFields(
  info: Pick<GraphQLResolveInfo, 'fieldNodes' | 'fragments'>,
  paths: readonly (readonly string[])[],
): ReadonlySet<string> {
  const names = new Set<string>()
  for (const path of paths)
    for (const { selectionSet } of info.fieldNodes) collect(selectionSet, path, info.fragments, names)
  return names
}

function collect(
  set: SelectionSetNode | undefined,
  path: readonly string[],
  fragments: GraphQLResolveInfo['fragments'],
  names: Set<string>,
): void {
  const [next, ...rest] = path
  for (const selection of set?.selections ?? []) {
    if (selection.kind === Kind.FIELD) {
      if (next === undefined) names.add(selection.name.value)
      else if (selection.name.value === next) collect(selection.selectionSet, rest, fragments, names)
      continue
    }
    const inner = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments[selection.name.value]
    collect(inner?.selectionSet, path, fragments, names)
  }
}
