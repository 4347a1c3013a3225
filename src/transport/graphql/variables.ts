import {
  type DocumentNode,
  GraphQLError,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLSchema,
  getNullableType,
  getOperationAST,
  isInputObjectType,
  isInputType,
  isListType,
  typeFromAST,
  type VariableDefinitionNode,
} from 'graphql'
import { isRecord } from '#lib/json.ts'
import { isNestedBeyond, maxRequestDepth, tooDeep } from '#lib/json-depth.ts'

type Variables = Readonly<Record<string, unknown>>

/** The variables that an operation declares. */
export function variablesOf(
  document: DocumentNode,
  operationName: string | null | undefined,
): readonly VariableDefinitionNode[] {
  return getOperationAST(document, operationName)?.variableDefinitions ?? []
}

/** Of the variables of a request, those that its operation declares: nothing else is held while it is under way. */
export function declaredVariables(declared: readonly VariableDefinitionNode[], variables: Variables): Variables {
  const names = declared.map(({ variable }) => variable.name.value).filter((name) => Object.hasOwn(variables, name))
  if (names.length === Object.keys(variables).length) return variables
  return Object.fromEntries(names.map((name) => [name, variables[name]]))
}

/**
 * Why variables are refused before they are looked at more closely: they are nested deeper than anything here can
 * follow, or have members that their types don't know, each of which graphql would answer with a copy of the whole.
 */
export function variablesFault(
  schema: GraphQLSchema,
  declared: readonly VariableDefinitionNode[],
  variables: Variables,
): GraphQLError | undefined {
  for (const { variable, type } of declared) {
    const name = variable.name.value
    const value = variables[name]
    if (typeof value !== 'object' || value === null) continue
    if (isNestedBeyond(value, maxRequestDepth))
      return new GraphQLError(`The variable "$${name}" ${tooDeep(maxRequestDepth)}.`)
    const input = typeFromAST(schema, type)
    const fault = isInputType(input) ? unknownMember(value, input) : undefined
    if (fault !== undefined) return new GraphQLError(`The variable "$${name}" is not valid: ${fault}.`)
  }
  return undefined
}

/** What is wrong with the first object whose members the type doesn't know; undefined when there is none. */
function unknownMember(value: unknown, type: GraphQLInputType): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const expected = getNullableType(type)
  if (isListType(expected)) return unknownInList(Array.isArray(value) ? value : [value], expected.ofType)
  if (isInputObjectType(expected)) return isRecord(value) ? unknownInObject(value, expected) : undefined
  return expected.name === anyJson ? undefined : `an object or a list is not of the type ${expected.name}`
}

/** The only scalar with members. */
const anyJson = 'JSON'
const maxShownName = 100

function unknownInObject(value: Record<string, unknown>, type: GraphQLInputObjectType): string | undefined {
  const fields = type.getFields()
  const names = Object.keys(value)
  if (names.length > Object.keys(fields).length) {
    const unknown = names.find((name) => fields[name] === undefined)
    return `${type.name} has no field "${String(unknown).slice(0, maxShownName)}"`
  }
  for (const name of names) {
    const field = fields[name]
    const fault = field === undefined ? undefined : unknownMember(value[name], field.type)
    if (fault !== undefined) return fault
  }
  return undefined
}

function unknownInList(values: readonly unknown[], type: GraphQLInputType): string | undefined {
  for (const value of values) {
    const fault = unknownMember(value, type)
    if (fault !== undefined) return fault
  }
  return undefined
}
