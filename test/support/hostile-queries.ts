/** Texts of operations that are small to send and large to work through; each is a family with sizes. */

const list = (count: number, text: (index: number) => string, between = ' ') =>
  Array.from({ length: count }, (_, index) => text(index)).join(between)

export interface HostileQuery {
  readonly name: string
  readonly query: string
  /** As JSON: `JSON.stringify` can't follow the deepest. */
  readonly variables?: string
}

/** Where the selections of a family stand: an operation around them, and the type that they apply to. */
export interface Around {
  readonly on: string
  readonly operation: (selections: string) => string
}

/** For everybody: no token is needed to reach it. */
export const anonymousOperation: Around = {
  on: 'RefreshSessionResult',
  operation: (selections) => `mutation { refreshSession(input: { refreshToken: "x" }) { ${selections} } }`,
}
export const knownOperation: Around = { on: 'Viewer', operation: (selections) => `{ viewer { ${selections} } }` }

/** Fragments that each spread the next ones, as `links` says. */
function chain({ on, operation }: Around, length: number, links: (next: number) => string): string {
  const fragments = list(length, (index) => `fragment F${index} on ${on} { ${links(index + 1)} }`)
  return `${operation('...F0')} ${fragments} fragment F${length} on ${on} { __typename }`
}

const families: Readonly<Record<string, (around: Around, size: number) => string>> = {
  'fragments that double': (around, size) =>
    chain(around, size, (next) => `...F${next} ... on ${around.on} { ...F${next} }`),
  'fragments in a row': (around, size) => chain(around, size, (next) => `...F${next}`),
  'fragments that spread the next twenty': (around, size) =>
    chain(around, size, (next) => list(Math.min(20, size - next + 1), (index) => `...F${next + index}`)),
  'fragments in a ring': ({ on, operation }, size) =>
    `${operation('...F0')} ${list(size, (n) => `fragment F${n} on ${on} { ...F${(n + 1) % size} ... { ...F${(n + 2) % size} } }`)}`,
  'fragments that are never spread': ({ on, operation }, size) =>
    `${operation('__typename')} ${list(size, (n) => `fragment F${n} on ${on} { ...F${n + 1} }`)}`,
  'fragments with the same field': ({ on, operation }, size) =>
    `${operation(list(size, (n) => `...F${n}`))} ${list(size, (n) => `fragment F${n} on ${on} { __typename }`)}`,
  'inline fragments side by side': ({ operation }, size) => operation(list(size, () => '... { __typename }')),
  'inline fragments in each other': ({ operation }, size) =>
    operation(`${'... { '.repeat(size)}__typename${' }'.repeat(size)}`),
  aliases: ({ operation }, size) => operation(list(size, (n) => `a${n}: __typename`)),
  'the same field': ({ operation }, size) => operation('__typename '.repeat(size)),
  'unknown fields': ({ operation }, size) => operation(list(size, (n) => `unknown${n}`)),
  'unknown fields of long names': ({ operation }, size) => operation(list(9, (n) => `u${'x'.repeat(size)}${n}`)),
  directives: ({ operation }, size) => operation(`__typename ${'@skip(if: false) '.repeat(size)}`),
  'selections in each other': ({ operation }, size) => operation(`${'a { '.repeat(size)}a${' }'.repeat(size)}`),
  'many operations': ({ on, operation }, size) =>
    `${list(size, (n) => `query Q${n} { ...A }`)} ${operation('__typename')} fragment A on Query { ${list(size, (n) => `a${n}: __typename`)} } fragment B on ${on} { __typename }`,
  'many variables': ({ operation }, size) =>
    `query (${list(size, (n) => `$v${n}: [[String!]!]`)}) { __typename } ${operation('__typename')}`,
  'a type in many lists': ({ operation }, size) =>
    `query ($v: ${'['.repeat(size)}Int${']'.repeat(size)}) { __typename } ${operation('__typename')}`,
  'a list in lists': ({ operation }, size) => operation(`__typename @skip(if: ${'['.repeat(size)}${']'.repeat(size)})`),
  'an object in objects': ({ operation }, size) =>
    operation(`__typename @skip(if: ${'{ a: '.repeat(size)}1${' }'.repeat(size)})`),
  'an object with many members': ({ operation }, size) =>
    operation(`__typename @skip(if: { ${list(size, (n) => `a${n}: 1`)} })`),
  'brackets that never close': ({ operation }, size) => `${operation('__typename')} ${'{ a '.repeat(size)}`,
  comments: ({ operation }, size) => `${'#\n'.repeat(size)}${operation('__typename')}`,
}

/** Every family in these sizes. */
export function hostileQueries(around: Around, sizes: readonly number[]): HostileQuery[] {
  return Object.entries(families).flatMap(([family, text]) =>
    sizes.map((size) => ({ name: `${family}, ${size}`, query: text(around, size) })),
  )
}

export const nestedLists = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
const repeated = (count: number, text: (index: number) => string) => list(count, text, ',')

/** Variables that are large, deep, wrong or not declared at all. */
export function hostileVariables(size: number): HostileQuery[] {
  const submit = 'mutation ($input: SubmitTaskInput!) { submitTask(input: $input) { __typename } }'
  const numbers = 'query ($n: Int) { tasks(first: $n) { nodes { id } } }'
  const deliveries = 'query ($where: DeliveryWhere) { deliveries(where: $where) { nodes { id } } }'
  const query = '{ __typename }'
  return [
    { name: 'variables that nobody declares', query, variables: `{"many":[${repeated(size, String)}]}` },
    { name: 'a deep variable that nobody declares', query, variables: `{"deep":${nestedLists(size)}}` },
    { name: 'a deep variable', query: submit, variables: `{"input":{"type":"probe","input":${nestedLists(size)}}}` },
    { name: 'a list of wrong values', query: numbers, variables: `{"n":[${repeated(size, () => '"x"')}]}` },
    {
      name: 'a list of wrong names',
      query: deliveries,
      variables: `{"where":{"eventType":[${repeated(size, String)}]}}`,
    },
    { name: 'unknown members', query: submit, variables: `{"input":{${repeated(size, (n) => `"a${n}":${n}`)}}}` },
    {
      name: 'unknown members of a number',
      query: numbers,
      variables: `{"n":{${repeated(size, (n) => `"a${n}":${n}`)}}}`,
    },
    {
      name: 'unknown members in a list',
      query: 'mutation ($input: SubmitTasksInput!) { submitTasks(input: $input) { __typename } }',
      variables: `{"input":{"tasks":[${repeated(size / 100, () => `{${repeated(100, (n) => `"a${n}":${n}`)}}`)}]}}`,
    },
  ]
}

/** A request as it is sent by HTTP. */
export function bodyOf({ query, variables = '{}' }: HostileQuery): string {
  return `{"query":${JSON.stringify(query)},"variables":${variables}}`
}
