import { IndexKeeper } from '#domain/documents/indexes/keeper.ts'
import { createDeclaredIndexes } from '#domain/documents/indexes/states.ts'
import { createDocumentQueryService, type DocumentQueryService } from '#domain/documents/query/service.ts'
import { SchemaChecker } from '#domain/documents/schemas/schema-checker.ts'
import { createDocumentService, type DocumentService } from '#domain/documents/service.ts'
import type { LockService } from '#domain/locks/service.ts'
import type { FilterEvaluator } from '#lib/filter/filter-evaluator.ts'
import { openReader } from '#platform/database/bounded-read.ts'
import { startLoop } from '#platform/work/work-loop.ts'
import type { AppContext } from './app-context.ts'

/** How often it is looked for documents whose time has come. */
const expiryIntervalMs = 500

/** Documents, what lets them expire, and what finds them and builds their indexes. */
export function openDocuments(
  { config, data, quotas, log, cleanup }: AppContext,
  databaseUrl: string,
  locks: LockService,
  filters: FilterEvaluator,
): { documents: DocumentService; documentQueries: DocumentQueryService } {
  const { database, transact, journal, tail } = data
  const schemas = new SchemaChecker()
  cleanup.add(() => schemas.close())
  const documents = createDocumentService({ sql: database, transact, quotas, locks, schemas })
  const work = () => documents.expire()
  const expiry = startLoop({ name: 'expiry of documents', intervalMs: expiryIntervalMs, log, work })
  cleanup.add(() => expiry.stop())
  const reader = openReader({
    url: databaseUrl,
    poolSize: Math.ceil(config.databasePool / 2),
    connections: data.connections,
  })
  cleanup.add(() => reader.close())
  const declarations = createDeclaredIndexes(database)
  const documentQueries = createDocumentQueryService({
    sql: database,
    journal,
    read: reader.read,
    declarations,
    filters,
  })
  const unlisten = [
    tail.listen((entry) => documentQueries.onJournalEntry(entry)),
    tail.onCut(() => documentQueries.forget()),
  ]
  cleanup.add(async () => {
    for (const stop of unlisten) stop()
  })
  const indexKeeper = new IndexKeeper({ sql: database, url: databaseUrl, log })
  cleanup.add(() => indexKeeper.stop())
  return { documents, documentQueries }
}
