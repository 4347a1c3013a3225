import { schema } from '#schema/index.ts'
import type { Config } from '#src/config.ts'
import { loadPersistedOperations, type PersistedOperations } from '#transport/graphql/persisted-operations.ts'

/** The only GraphQL operations that are answered; undefined: all are. @throws {StartupError} when they can't be read */
export async function findPersistedOperations({
  persistedOperations: path,
}: Pick<Config, 'persistedOperations'>): Promise<PersistedOperations | undefined> {
  return path === undefined ? undefined : loadPersistedOperations(path, schema)
}
