import type { Sql } from '#platform/database/sql.ts'
import type { RotationTarget } from '#platform/secrets/rotation-target.ts'
import type { Seals } from '#platform/secrets/seals.ts'
import { isSealGenuine, sealChain } from './chain.ts'
import { auditCursor, countChainsOfOtherKeys, findChainsOfOtherKeys, saveChains } from './store.ts'

/** The seals of audit chains: one that is not genuine stays as it is, since to reencrypt it would hide that. */
export function sealedChains(seals: Seals): RotationTarget {
  return {
    name: 'seals of audit logs',
    countOld: (sql: Pick<Sql, 'query'>) => countChainsOfOtherKeys(sql, seals.keyId),
    async reencrypt(tx, after, limit) {
      await auditCursor.lock(tx)
      const chains = await findChainsOfOtherKeys(tx, seals.keyId, after, limit)
      const genuine = chains.filter((chain) => isSealGenuine(seals, chain) === true)
      if (genuine.length > 0)
        await saveChains(
          tx,
          genuine.map((chain) => sealChain(seals, chain)),
        )
      const last = chains.length < limit ? undefined : chains.at(-1)?.accountId
      return { last, renewed: genuine.length, unreadable: chains.length - genuine.length }
    },
  }
}
