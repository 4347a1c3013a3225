import type { Caller } from '#domain/access/service.ts'
import type { Fence } from '#domain/locks/service.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import { InvalidInput } from '#lib/errors.ts'
import type { Transact } from '#platform/database/transaction.ts'
import { type DocumentName, type DocumentState, resourceOf, type VersionRow } from './document.ts'
import { DocumentNotFound } from './errors.ts'
import { pinEvent } from './events.ts'
import { checkKey, checkPath } from './name.ts'
import { checkedFence, type DocumentRequest, isVersion, planAt, planWrite } from './request.ts'
import { pinVersion } from './store/documents.ts'
import type { Write } from './write.ts'
import type { DocumentWriter } from './writer.ts'

export interface DocumentCommandsDeps {
  readonly transact: Transact
  readonly quotas: Pick<QuotaService, 'hold'>
  readonly writer: DocumentWriter
}

/** Most writes in one `writeDocuments`. */
const writeLimit = 500

/** The commands that change documents. */
export function createDocumentCommands({ transact, quotas, writer }: DocumentCommandsDeps) {
  /**
   * Does one write, guarded by a fence if one is given; returns the document's new state once it is committed.
   * @throws {InvalidInput} @throws {VersionConflict} @throws {VersionRequired} @throws {DocumentNotFound}
   * @throws {SchemaViolation} @throws {FenceLost} @throws {QuotaExceeded}
   */
  async function write(caller: Caller, request: DocumentRequest, fence?: Fence): Promise<DocumentState> {
    const planned = { ...planWrite(caller, request), fence: checkedFence(caller, fence) }
    return withinQuota(caller, [planned], () => writer.writeOne(planned))
  }

  /** As {@link write} puts a document; under a key once, however often it is asked for. @throws {IdempotencyKeyReused} and as that */
  async function put(
    caller: Caller,
    request: DocumentRequest & { readonly kind: 'put' },
    fence?: Fence,
    key?: string,
  ): Promise<DocumentState> {
    if (key === undefined) return write(caller, request, fence)
    const planned = { ...planWrite(caller, request), fence: checkedFence(caller, fence) }
    const asked = { ...request, ...(fence && { fence }) }
    const { accountId, principalId } = caller
    const keyed = { accountId, principalId, key, operation: 'putDocument', request: asked }
    return withinQuota(caller, [planned], () => writer.putOnce(planned, request.data, keyed))
  }

  /**
   * Does up to 500 writes, in their order and all of them, or none. @throws {WritesRefused} @throws {InvalidInput}
   * @throws {FenceLost} @throws {QuotaExceeded}
   */
  async function writeAll(
    caller: Caller,
    requests: readonly DocumentRequest[],
    fence?: Fence,
  ): Promise<DocumentState[]> {
    if (requests.length > writeLimit)
      throw new InvalidInput(`At most ${writeLimit} writes can be done together; there are ${requests.length}.`)
    const planned = requests.map((request, index) => planAt(caller, request, index))
    const held = checkedFence(caller, fence)
    return withinQuota(caller, planned, () => writer.writeAll(caller.accountId, planned, held))
  }

  /** Does what writes these, if the account has room for them. */
  async function withinQuota<Result>(
    { accountId }: Caller,
    writes: readonly Write[],
    work: () => Promise<Result>,
  ): Promise<Result> {
    const storedBytes = writes.reduce(
      (sum, { change }) => sum + (change.kind === 'put' ? change.value.sizeBytes : 0),
      0,
    )
    const release = await quotas.hold(accountId, { storedBytes })
    return work().finally(release)
  }

  /** Keeps a version whatever the collection's retention says, or no longer. @throws {DocumentNotFound} */
  async function pin(caller: Caller, name: DocumentName, version: number, pinned: boolean): Promise<VersionRow> {
    checkPath(name.collection)
    checkKey(name.key)
    caller.must('documents:write', resourceOf(name))
    if (!isVersion(version)) throw new DocumentNotFound(name, version)
    return transact(async (tx) => {
      const row = await pinVersion(tx, { ...name, accountId: caller.accountId }, version, pinned)
      if (row === undefined) throw new DocumentNotFound(name, version)
      tx.journal(pinEvent(caller.accountId, name, caller.by(), version, pinned))
      return row
    })
  }

  return { write, put, writeAll, pin }
}
