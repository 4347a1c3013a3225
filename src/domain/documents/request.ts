import type { Caller } from '#domain/access/service.ts'
import type { Fence } from '#domain/locks/service.ts'
import { InvalidInput, invalidInput, invalidItem } from '#lib/errors.ts'
import { keyFault } from '#lib/key-rule.ts'
import { type DocumentName, resourceOf } from './document.ts'
import { DocumentNotFound } from './errors.ts'
import { checkKey, checkPath } from './name.ts'
import { type ApplyPatch, jsonPatchOf, mergePatch } from './patch.ts'
import { checkValue } from './value.ts'
import type { Change, Write } from './write.ts'

const maxTtlMs = 10 * 365 * 24 * 60 * 60 * 1000
/** The last version that there can be. */
export const largestVersion = 2 ** 31 - 1

/** What is asked of a document, as it comes in. */
export type DocumentRequest = DocumentName & { readonly expectedVersion?: number | undefined } & (
    | {
        readonly kind: 'put'
        readonly data: unknown
        readonly ttlMs?: number | undefined
        /** Only when there is such a document, whatever its version. */
        readonly ifExists?: boolean | undefined
      }
    | {
        readonly kind: 'patch'
        readonly mergePatch?: unknown
        readonly jsonPatch?: unknown
        readonly ttlMs?: number | undefined
      }
    | { readonly kind: 'delete' }
    | { readonly kind: 'restore'; readonly version: number }
  )

/** What somebody asks for as a write of theirs. @throws {InvalidInput} @throws {Forbidden} @throws {DocumentNotFound} */
export function planWrite(caller: Caller, request: DocumentRequest): Write {
  const { collection, key, expectedVersion } = request
  checkPath(collection)
  checkKey(key)
  caller.must('documents:write', resourceOf(request))
  if (expectedVersion !== undefined && expectedVersion !== 0 && !isVersion(expectedVersion))
    invalid('expectedVersion', 'must be 0 or more')
  return { accountId: caller.accountId, collection, key, expectedVersion, by: caller.by(), change: changeOf(request) }
}

/** As {@link planWrite}, for one of several writes. */
export function planAt(caller: Caller, request: DocumentRequest, index: number): Write {
  try {
    return planWrite(caller, request)
  } catch (error) {
    throw error instanceof InvalidInput ? invalidItem(`Write ${index}`, `writes.${index}`, error) : error
  }
}

function changeOf(request: DocumentRequest): Change {
  switch (request.kind) {
    case 'put':
      return {
        kind: 'put',
        value: checkValue(request.data),
        ttlMs: checkedTtl(request.ttlMs),
        ifExists: request.ifExists === true,
      }
    case 'patch':
      return { kind: 'patch', apply: patchOf(request.mergePatch, request.jsonPatch), ttlMs: checkedTtl(request.ttlMs) }
    case 'delete':
      return { kind: 'delete' }
    case 'restore':
      if (!isVersion(request.version)) throw new DocumentNotFound(request, request.version)
      return { kind: 'restore', version: request.version }
  }
}

function patchOf(merge: unknown, json: unknown): ApplyPatch {
  if ((merge === undefined) === (json === undefined))
    throw invalidInput('The write', [{ path: 'mergePatch', message: 'must be given, unless `jsonPatch` is' }])
  return json === undefined ? mergePatch(merge) : jsonPatchOf(json)
}

function checkedTtl(ttlMs: number | undefined): number | undefined {
  if (ttlMs === undefined) return undefined
  if (!Number.isSafeInteger(ttlMs) || ttlMs < 1 || ttlMs > maxTtlMs)
    invalid('ttlMs', `must be 1 to ${maxTtlMs} milliseconds`)
  return ttlMs
}

/** @throws {InvalidInput} @throws {Forbidden} when the caller might not hold such a lock. */
export function checkedFence(caller: Caller, fence: Fence | undefined): Fence | undefined {
  if (fence === undefined) return undefined
  const fault = keyFault(fence.lock)
  if (fault !== undefined) invalid('fence.lock', fault)
  if (!Number.isSafeInteger(fence.fence) || fence.fence < 1)
    invalid('fence.fence', 'must be a whole number of 1 or more')
  caller.must('entries:write', fence.lock)
  return fence
}

/** Whether it can be the number of a version. */
export function isVersion(version: number): boolean {
  return Number.isInteger(version) && version > 0 && version <= largestVersion
}

function invalid(path: string, message: string): never {
  throw invalidInput('The write', [{ path, message }])
}
