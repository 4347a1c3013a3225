import { type DocumentNode, type GraphQLSchema, getOperationAST, Kind } from 'graphql'

/** Whether an operation asks for nothing but fields that are marked as public, and does so in plain sight. */
export function isForEverybody(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
): boolean {
  const operation = getOperationAST(document, operationName)
  const fields = operation && schema.getRootType(operation.operation)?.getFields()
  if (!operation || !fields || operation.operation === 'subscription') return false
  return operation.selectionSet.selections.every(
    (selection) => selection.kind === Kind.FIELD && fields[selection.name.value]?.extensions['isPublic'] === true,
  )
}
