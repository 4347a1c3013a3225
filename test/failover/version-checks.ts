import type { Evidence } from './checker.ts'
import type { AcknowledgedVersion, Ledger } from './ledger.ts'
import { probePrefix } from './write-probe.ts'

interface Version {
  readonly key: string
  readonly version: number
  readonly value: string
}

export async function checkDocuments({ stage, ledger }: Evidence): Promise<string[]> {
  const rows = await stage.query<Version>(
    `SELECT key, version, data->>'name' AS value FROM document_history ORDER BY key, version`,
  )
  const current = await stage.query<Version>(`SELECT key, version, data->>'name' AS value FROM document`)
  const newest = new Map(rows.map((row) => [row.key, row]))
  return [
    ...checkVersions('document', rows, ledger.documents, ledger),
    ...current.flatMap(({ key, version, value }) =>
      newest.get(key)?.version === version && newest.get(key)?.value === value
        ? []
        : [`the document ${key} is not its newest version`],
    ),
  ]
}

export async function checkEntries({ stage, ledger }: Evidence): Promise<string[]> {
  const rows = await stage.query<Version>(
    `SELECT key, version, value #>> '{}' AS value FROM entry_version
     WHERE key NOT LIKE '${probePrefix}%' ORDER BY key, version`,
  )
  const revisions = await stage.query<{ revision: string }>('SELECT revision FROM entry_version ORDER BY revision')
  const hasGap = revisions.some(({ revision }, index) => Number(revision) !== index + 1)
  return [
    ...checkVersions('entry', rows, ledger.entries, ledger),
    ...(hasGap ? ['the revisions of entries have a gap, or one twice'] : []),
  ]
}

/** What can't be lost is there, versions count without a gap, and nothing is there that nobody was acknowledged. */
function checkVersions(
  what: string,
  rows: readonly Version[],
  acknowledged: readonly AcknowledgedVersion[],
  ledger: Ledger,
): string[] {
  const nameOf = ({ key, version, value }: Version) => `${key} ${version} as ${value}`
  const there = new Set(rows.map(nameOf))
  const known = new Set(acknowledged.map(nameOf))
  const lost = acknowledged.filter((one) => !ledger.mayBeLost(one) && !there.has(nameOf(one)))
  const unknown = rows.filter((row) => !known.has(nameOf(row)) && row.key !== 'guarded')
  const gaps = [...Map.groupBy(rows, ({ key }) => key)].filter(([, versions]) =>
    versions.some(({ version }, index) => version !== index + 1),
  )
  return [
    ...lost.map((one) => `the ${what} ${nameOf(one)} was acknowledged and is gone`),
    ...unknown.map((row) => `the ${what} ${nameOf(row)} is there, and was never acknowledged so`),
    ...gaps.map(([key]) => `the versions of the ${what} ${key} have a gap`),
  ]
}

export async function checkEvents({ stage, ledger }: Evidence): Promise<string[]> {
  const rows = await stage.query<{ key: string }>(`SELECT data->>'key' AS key FROM journal WHERE type = 'failover.one'`)
  const counts = Map.groupBy(rows, ({ key }) => key)
  return [
    ...[...ledger.events]
      .filter(([key, exchange]) => !ledger.mayBeLost(exchange) && !counts.has(key))
      .map(([key]) => `the event ${key} was acknowledged and is gone`),
    ...[...counts].filter(([, { length }]) => length > 1).map(([key]) => `the event ${key} is there twice`),
  ]
}

/** Nobody who asked after a version was acknowledged saw an older one. */
export function checkSeen(ledger: Ledger): string[] {
  const lasting = Map.groupBy(
    ledger.documents.filter((one) => !ledger.mayBeLost(one)),
    ({ key }) => key,
  )
  return ledger.seen.flatMap(({ key, version, sentAt }) => {
    const before = (lasting.get(key) ?? []).filter(({ answeredAt }) => answeredAt < sentAt)
    const newest = Math.max(0, ...before.map((one) => one.version))
    return version >= newest ? [] : [`the document ${key} was read as version ${version} when it had ${newest}`]
  })
}
