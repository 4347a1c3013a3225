import type pg from 'pg'
import { type DocumentBehind, documentsBehind } from '#domain/documents/store/repair.ts'
import { type Finding, ok, problem } from './finding.ts'
import { hasTable, sqlOf } from './sql.ts'

/** How long it looks: less than a check may take. */
const limitMs = 3_000
const maxNamed = 5

/** Whether each document is at its newest version; where there are very many, only of those that it gets to. */
export async function examineDocuments(client: pg.Client): Promise<Omit<Finding, 'check'>> {
  if (!(await hasTable(client, 'document_version'))) return ok('There are none yet.')
  const endsAt = performance.now() + limitMs
  const behind: DocumentBehind[] = []
  let examined = 0
  let isCut = false
  for await (const page of documentsBehind(sqlOf(client))) {
    examined += page.examined
    behind.push(...page.behind)
    isCut = performance.now() > endsAt
    if (isCut) break
  }
  if (behind.length > 0)
    return problem(
      `${behind.length} of ${examined} can't be written, being behind their newest version: ${listed(behind)}.`,
      'Look at them with `doc repair --dry-run`, and repair them with `doc repair`.',
    )
  return ok(
    isCut
      ? `The first ${examined} are at their newest version; \`doc repair --dry-run\` looks at all.`
      : `All ${examined} are at their newest version.`,
  )
}

function listed(behind: readonly DocumentBehind[]): string {
  const names = behind.slice(0, maxNamed).map(({ collection, key }) => JSON.stringify(`${collection}/${key}`))
  return names.join(', ') + (behind.length > maxNamed ? ', …' : '')
}
