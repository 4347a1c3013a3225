import { exitCodeList } from '#cli/exit-codes.ts'
import { installationScopes, type Scope, scopes, scopesOfRole, sufficientScopes } from '#domain/access/scope.ts'
import type { EventType } from '#domain/events/catalog.ts'
import { eventCatalog } from '#src/app/event-catalog.ts'
import { environment } from '#src/config.ts'
import { meaningOf } from '#transport/rest/codes.ts'
import { commandsOf, commandTree } from './commands.ts'
import { environmentGroups } from './environment.ts'
import { errorExplanations } from './error-codes.ts'
import { code, table } from './markdown.ts'
import { metricList } from './metrics.ts'
import { scopeExplanations } from './scopes.ts'

/** The tables of the documentation that are generated from code, by the names of their regions. */
export async function referenceTables(): Promise<Readonly<Record<string, () => string>>> {
  const program = await commandTree()
  return {
    environment: environmentTables,
    'error-codes': errorTable,
    scopes: scopeTable,
    roles: roleTable,
    'event-types': eventTypeTables,
    metrics: metricTable,
    'exit-codes': exitCodeTable,
    commands: () =>
      table(
        ['command', 'what it does'],
        commandsOf(program).map(({ usage, description }) => [code(usage), description]),
      ),
  }
}

function environmentTables(): string {
  const defaults = defaultsOfEnvironment()
  return environmentGroups
    .map(({ title, variables }) => {
      const rows = Object.entries(variables).map(([name, meaning]) => {
        const value = defaults[name]
        return [code(name), value ? code(value) : '—', meaning]
      })
      return `### ${title}\n\n${table(['variable', 'default', 'meaning'], rows)}`
    })
    .join('\n\n')
}

/** Defaults as an operator writes them; empty where there is none. */
function defaultsOfEnvironment(): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(environment.parse({})).map(([name, value]) => [name, String(value ?? '')]))
}

const exampleHead = `# Every variable that the server reads, at its default. Nothing has to be set; an empty value counts as unset.
# \`npm start\` does not read this file. To use a copy of it: set -a; . ./.env; set +a; npm start
# Written by \`npm run generate\` from src/reference/environment.ts.
`
const exampleWidth = 118

/** The text of \`.env.example\`. */
export function environmentExample(): string {
  const defaults = defaultsOfEnvironment()
  const groups = environmentGroups.map(({ title, variables }) => {
    const lines = Object.entries(variables).map(
      ([name, meaning]) => `${comment(meaning.replaceAll('`', ''))}\n#${name}=${defaults[name] ?? ''}`,
    )
    return `# --- ${title} ---\n\n${lines.join('\n\n')}\n`
  })
  return [exampleHead, ...groups].join('\n')
}

function comment(text: string): string {
  const lines: string[] = []
  let line = '#'
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > exampleWidth) {
      lines.push(line)
      line = '#'
    }
    line += ` ${word}`
  }
  return [...lines, line].join('\n')
}

function errorTable(): string {
  return table(
    ['code', 'status', 'meaning', 'what to do'],
    Object.entries(errorExplanations).map(([name, { meaning, action }]) => [
      code(name),
      String(meaningOf(name).status),
      meaning,
      action,
    ]),
  )
}

function scopeTable(): string {
  const known: readonly Scope[] = [...scopes, ...installationScopes]
  return table(
    ['scope', 'allows', 'includes', 'can be narrowed to'],
    known.map((scope) => {
      const included = known.filter((other) => other !== scope && sufficientScopes(other).includes(scope))
      const { allows, narrowing } = scopeExplanations[scope]
      return [code(scope), allows, included.map(code).join(', ') || '—', narrowing ?? '—']
    }),
  )
}

function roleTable(): string {
  return table(
    ['role', 'scopes'],
    Object.entries(scopesOfRole).map(([role, held]) => [code(role), held.map(code).join(', ')]),
  )
}

function metricTable(): string {
  return table(
    ['metric', 'type', 'labels', 'meaning'],
    metricList().map(({ name, type, labels, help }) => [code(name), type, labels.map(code).join(', ') || '—', help]),
  )
}

function exitCodeTable(): string {
  return table(
    ['exit code', 'meaning'],
    exitCodeList.map(({ code: exitCode, meaning }) => [code(String(exitCode)), meaning]),
  )
}

const familyTitles: Readonly<Record<string, string>> = {
  task: 'Tasks',
  document: 'Documents',
  collection: 'Collections',
  entry: 'Entries',
  lock: 'Locks',
  webhook: 'Webhooks',
  hook: 'Inbound webhooks',
  auth: 'Access',
  stream: 'Streams',
}

function eventTypeTables(): string {
  const families = Map.groupBy(eventCatalog.describe(), ({ name }) => name.split('.', 1)[0] ?? '')
  return [...families]
    .map(([family, types]) => {
      const rows = types.map((type) => [
        `${code(type.name)}${type.isFrequent ? ' *(frequent)*' : ''}`,
        type.description,
        dataText(type),
      ])
      return `### ${familyTitles[family] ?? family}\n\n${table(['type', 'meaning', 'data'], rows)}`
    })
    .join('\n\n')
}

interface ShapeNode {
  readonly type?: string
  readonly properties?: Readonly<Record<string, ShapeNode>>
  readonly required?: readonly string[]
  readonly items?: ShapeNode
}

/** The members of an event's data, such as `name`, `error?` { `code` }. */
function dataText({ dataSchema }: EventType): string {
  return membersText(dataSchema as ShapeNode)
}

function membersText({ properties = {}, required = [] }: ShapeNode): string {
  return Object.entries(properties)
    .map(([name, node]) => {
      const inner = node.items?.properties === undefined ? node : node.items
      const mark = `${code(`${name}${required.includes(name) ? '' : '?'}`)}${inner === node ? '' : ' (list)'}`
      return inner.properties === undefined ? mark : `${mark} { ${membersText(inner)} }`
    })
    .join(', ')
}
