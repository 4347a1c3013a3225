import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type SqlDriverAdapter,
  type Transaction,
} from '@prisma/driver-adapter-utils'
import type * as Wasm from '@prisma/schema-engine-wasm'
import type { Migration } from './migration-folder.ts'

const noFilters: Wasm.SchemaFilter = { externalTables: [], externalEnums: [] }

/** The engine wants a schema also where it isn't looked at. */
const bareSchema: [string, string] = ['schema.prisma', 'datasource db {\n  provider = "postgresql"\n}\n']

/** The statements that lead from one Prisma schema to another; from nothing when the first is undefined. Needs no database. */
export async function diffSchemas(from: string | undefined, to: string): Promise<string> {
  using engine = await createEngine(noDatabase)
  const { stdout } = await engine.diff({
    from: from === undefined ? { tag: 'empty' } : schemaTarget(from),
    to: schemaTarget(to),
    script: true,
    exitCode: null,
    filters: noFilters,
  })
  return stdout ?? ''
}

/**
 * Applies those of the migrations that the database's record doesn't have yet, and records them, all inside the
 * transaction, whose end is the caller's: an error leaves nothing behind once it is rolled back.
 */
export async function applyMigrations(transaction: Transaction, migrations: readonly Migration[]): Promise<void> {
  const adapter = adapterFor(transaction)
  using engine = await createEngine(adapter)
  try {
    await engine.applyMigrations({ migrationsList: migrationList(migrations), filters: noFilters })
  } catch (error) {
    // The engine wraps a script's error into a trace of its own; PostgreSQL's is the one to act on.
    throw adapter.scriptError ?? error
  }
}

function schemaTarget(content: string): Wasm.DiffTarget {
  return { tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content }] }
}

function migrationList(migrations: readonly Migration[]): Wasm.MigrationList {
  return {
    baseDir: 'migrations',
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDbInitScript: '',
    migrationDirectories: migrations.map(({ name, script }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: script } },
    })),
  }
}

interface ScriptAdapter extends SqlDriverAdapter {
  scriptError?: unknown
}

/**
 * The engine's view of one transaction. Prisma's own adapter runs a script on any connection, split at each semicolon,
 * also at those inside of a function's body, and commits each piece.
 */
function adapterFor(transaction: Transaction): ScriptAdapter {
  const adapter: ScriptAdapter = {
    provider: 'postgres',
    adapterName: transaction.adapterName,
    queryRaw: (query) => transaction.queryRaw(query),
    executeRaw: (query) => transaction.executeRaw(query),
    async executeScript(script) {
      try {
        await transaction.executeRaw({ sql: script, args: [], argTypes: [] })
      } catch (error) {
        adapter.scriptError = error
        throw error
      }
    },
    startTransaction: unavailable,
    getConnectionInfo: () => ({ supportsRelationJoins: true }),
    dispose: async () => {},
  }
  return adapter
}

/** To compare two schemas, the engine only asks which PostgreSQL it writes for: the oldest that is supported. */
const noDatabase: SqlDriverAdapter = {
  provider: 'postgres',
  adapterName: 'none',
  queryRaw: async () => ({
    columnNames: ['exists', 'version', 'numeric_version'],
    columnTypes: [ColumnTypeEnum.Boolean, ColumnTypeEnum.Text, ColumnTypeEnum.Int32],
    rows: [[true, 'PostgreSQL 15.0', 150_000]],
  }),
  executeRaw: unavailable,
  executeScript: unavailable,
  startTransaction: unavailable,
  dispose: async () => {},
}

async function createEngine(adapter: SqlDriverAdapter): Promise<Wasm.SchemaEngine> {
  const { SchemaEngine } = await loadEngine()
  const factory = bindMigrationAwareSqlAdapterFactory({
    provider: 'postgres',
    adapterName: 'signalbox',
    connect: async () => adapter,
    connectToShadowDb: unavailable,
  })
  return SchemaEngine.new({ datamodels: [bareSchema] }, () => {}, factory)
}

async function unavailable(): Promise<never> {
  throw new Error('The schema engine asked for more of the database than it is given.')
}

let loaded: Promise<typeof Wasm> | undefined

/** Compiles the engine, once a process: about 100 ms, which a start without anything to migrate need not spend. */
function loadEngine(): Promise<typeof Wasm> {
  loaded ??= compileEngine()
  return loaded
}

/** The package's own entry imports WebAssembly as a module, of which Node warns the user as experimental. */
async function compileEngine(): Promise<typeof Wasm> {
  const glue = await import('@prisma/schema-engine-wasm/schema_engine_bg')
  const path = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg')
  const code = await readFile(path.replace(/\.js$/, '.wasm'))
  const { instance } = await WebAssembly.instantiate(code, { './schema_engine_bg.js': { ...glue } })
  const start = instance.exports['__wbindgen_start'] as () => void
  glue.__wbg_set_wasm(instance.exports)
  start()
  return glue
}
