import {
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLObjectType,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql'
import { rootRights } from '#test/rights/root-fields.ts'
import { fieldsOf, type Root, rootFields, roots, schema, wholeOperation } from '#test/rights/whole-operation.ts'
import type { Things } from '#test/support/things.ts'

/** An argument, or a field of an input, in which something hostile can stand. */
export interface Place {
  /** Such as `Mutation.submitTask(input.labels)`. */
  readonly name: string
  readonly root: Root
  readonly rootField: string
  /** Arguments that are given beside it, by the things of the account. */
  readonly args: (things: Things) => Record<string, unknown>
  readonly path: readonly string[]
  /** The whole operation with its variables. */
  readonly query: (args: Record<string, unknown>) => string
  /** The operation with its arguments as literals, in which `hostile` stands for the {@link placeholder}. */
  readonly literalQuery: (args: Record<string, unknown>, print: PrintLiteral) => string
}

type PrintLiteral = (type: GraphQLInputType, value: unknown) => string

const maxDepth = 5

/** Paths to all that can be given of a type, itself included; a type within itself ends it. */
function pathsIn(type: GraphQLInputType, above: readonly string[] = []): string[][] {
  const inner = getNullableType(type)
  if (isListType(inner)) return [[], ...pathsIn(inner.ofType, above).map((path) => ['0', ...path])]
  if (!isInputObjectType(inner) || above.includes(inner.name) || above.length === maxDepth) return [[]]
  const fields = Object.values(inner.getFields())
  return [
    [],
    ...fields.flatMap(({ name, type: of }) => pathsIn(of, [...above, inner.name]).map((path) => [name, ...path])),
  ]
}

/** Something harmless of a type. */
function harmless(type: GraphQLInputType): unknown {
  const inner = getNullableType(type)
  if (isListType(inner)) return [harmless(inner.ofType)]
  if (isEnumType(inner)) return inner.getValues()[0]?.name
  if (isInputObjectType(inner)) {
    const fields = Object.values(inner.getFields())
    const given = inner.isOneOf ? fields.slice(0, 1) : fields.filter(isRequiredInputField)
    return Object.fromEntries(given.map(({ name, type: of }) => [name, harmless(of)]))
  }
  const scalars: Record<string, unknown> = {
    Int: 1,
    Float: 1,
    Boolean: true,
    JSON: {},
    DateTime: '2024-01-01T00:00:00Z',
  }
  return scalars[inner.name] ?? (inner.name === 'Base64' ? 'YQ==' : 'a')
}

/** The value with all that has to stand beside what the path leads to, and without what must not. */
function prepared(type: GraphQLInputType, value: unknown, path: readonly string[]): unknown {
  const inner = getNullableType(type)
  const [step, ...rest] = path
  if (step === undefined) return value
  if (isListType(inner)) {
    const [first, ...others] = Array.isArray(value) ? value : []
    return [prepared(inner.ofType, first, rest), ...others]
  }
  if (!isInputObjectType(inner)) return value
  const field = inner.getFields()[step]
  if (field === undefined) return value
  const known = (value ?? harmless(type)) as Record<string, unknown>
  const own = { [step]: prepared(field.type, known[step], rest) }
  return inner.isOneOf ? own : { ...known, ...own }
}

/** A literal of GraphQL. */
export function printLiteral(
  type: GraphQLInputType,
  value: unknown,
  hostile: (text: string) => string | undefined,
): string {
  if (typeof value === 'string') {
    const text = hostile(value)
    if (text !== undefined) return text
  }
  const inner = getNullableType(type)
  if (value === undefined || value === null) return 'null'
  if (isListType(inner))
    return Array.isArray(value)
      ? `[${value.map((item) => printLiteral(inner.ofType, item, hostile)).join()}]`
      : printLiteral(inner.ofType, value, hostile)
  if (isEnumType(inner)) return String(value)
  if (isInputObjectType(inner)) {
    const fields = inner.getFields()
    const given = Object.entries(value as object).filter(([name]) => name in fields)
    return `{${given.map(([name, of]) => `${name}: ${printLiteral(fields[name]?.type ?? inner, of, hostile)}`).join()}}`
  }
  if (typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((item) => printLiteral(inner, item, hostile)).join()}]`
  // Keys of JSON that are no names can't be said in a literal.
  const named = Object.entries(value).filter(([name]) => /^[_A-Za-z]\w*$/.test(name))
  return `{${named.map(([name, of]) => `${name}: ${printLiteral(inner, of, hostile)}`).join()}}`
}

/** Every place of every root field. */
function rootPlaces(root: Root): Place[] {
  return rootFields(root).flatMap((field) => {
    const example = rootRights[root][field.name]?.args
    return field.args.flatMap((arg) =>
      pathsIn(arg.type).map((path): Place => {
        const full = [arg.name, ...path]
        return {
          name: `${root}.${field.name}(${full.join('.')})`,
          root,
          rootField: field.name,
          args: (things) => {
            const given = example?.(things) ?? requiredArgs(field.args)
            return { ...given, [arg.name]: prepared(arg.type, given[arg.name] ?? harmless(arg.type), path) }
          },
          path: full,
          query: (args) => wholeOperation(root, field.name, args),
          literalQuery: (args, print) => {
            const selection = isObjectType(getNamedType(field.type)) || 'getTypes' in getNamedType(field.type)
            return `${root.toLowerCase()} ${field.name} { ${field.name}(${printed(field.args, args, print)}) ${selection ? '{ __typename }' : ''} }`
          },
        }
      }),
    )
  })
}

function requiredArgs(args: readonly GraphQLArgument[]): Record<string, unknown> {
  return Object.fromEntries(args.filter(isRequiredArgument).map(({ name, type }) => [name, harmless(type)]))
}

function printed(args: readonly GraphQLArgument[], values: Record<string, unknown>, print: PrintLiteral): string {
  return args
    .filter(({ name }) => name in values)
    .map(({ name, type }) => `${name}: ${print(type, values[name])}`)
    .join(', ')
}

/** How an object type is reached from a query: the fields on the way, the first of which may need arguments. */
function waysToTypes(): Map<string, readonly string[]> {
  const ways = new Map<string, readonly string[]>()
  const queue: { type: GraphQLObjectType; way: readonly string[] }[] = []
  const reach = (named: unknown, way: readonly string[]) => {
    if (!isObjectType(named) || ways.has(named.name)) return
    ways.set(named.name, way)
    queue.push({ type: named, way })
  }
  for (const field of rootFields('Query')) reach(getNamedType(field.type), [field.name])
  for (let next = queue.shift(); next !== undefined; next = queue.shift())
    for (const field of fieldsOf(next.type))
      if (!field.args.some(isRequiredArgument)) reach(getNamedType(field.type), [...next.way, field.name])
  return ways
}

/** Every place of fields below the root, each reached by one query. */
function nestedPlaces(): Place[] {
  return [...waysToTypes()].flatMap(([typeName, way]) => {
    const type = schema.getType(typeName)
    const [rootField = '', ...rest] = way
    const root = rootFields('Query').find(({ name }) => name === rootField)
    if (!isObjectType(type) || root === undefined) return []
    const example = rootRights.Query[rootField]?.args
    return fieldsOf(type).flatMap((field) =>
      field.args.flatMap((arg) =>
        pathsIn(arg.type).map((path): Place => {
          const isComposite = isObjectType(getNamedType(field.type))
          const wrap = (rootArgs: string, own: string, declared: string) => {
            const call = `${field.name}(${own}) ${isComposite ? '{ __typename }' : ''}`
            const inner = rest.reduceRight((text, step) => `${step} { ${text} }`, call)
            return `query Nested${declared} { ${rootField}${rootArgs && `(${rootArgs})`} { ${inner} } }`
          }
          const rootArgsOf = (args: Record<string, unknown>) => root.args.filter(({ name }) => `root_${name}` in args)
          return {
            name: `${typeName}.${field.name}(${[arg.name, ...path].join('.')}) by ${way.join('.')}`,
            root: 'Query',
            rootField,
            args: (things) => ({
              ...Object.fromEntries(
                Object.entries(example?.(things) ?? {}).map(([name, value]) => [`root_${name}`, value]),
              ),
              ...requiredArgs(field.args),
              [arg.name]: prepared(arg.type, harmless(arg.type), path),
            }),
            path: [arg.name, ...path],
            query: (args) => {
              const own = field.args.filter(({ name }) => name in args)
              const declared = [
                ...rootArgsOf(args).map(({ name, type: of }) => `$root_${name}: ${of}`),
                ...own.map(({ name, type: of }) => `$${name}: ${of}`),
              ].join(', ')
              const rootArgs = rootArgsOf(args).map(({ name }) => `${name}: $root_${name}`)
              return wrap(rootArgs.join(', '), own.map(({ name }) => `${name}: $${name}`).join(', '), `(${declared})`)
            },
            literalQuery: (args, print) => {
              const rootArgs = rootArgsOf(args).map(
                ({ name, type: of }) => `${name}: ${print(of, args[`root_${name}`])}`,
              )
              return wrap(rootArgs.join(', '), printed(field.args, args, print), '')
            },
          }
        }),
      ),
    )
  })
}

export function graphqlPlaces(): Place[] {
  return [...roots.flatMap(rootPlaces), ...nestedPlaces()]
}
