import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allows, type Grant, parseGrant } from '#domain/access/scope.ts'
import { type DocumentName, documentId, resourceOf } from '#domain/documents/document.ts'
import { collectionEvent, documentEvent } from '#domain/documents/events.ts'
import { isName } from '#domain/documents/name.ts'
import { entryEvent } from '#domain/entries/events.ts'
import { lockEvent } from '#domain/locks/events.ts'
import type { By } from '#platform/journal/entry.ts'
import { lockNameOf } from '#transport/rest/routes/lock-tickets.ts'

const by = { actor: { kind: 'system', id: 'system', name: 'system' }, origin: null } as unknown as By

/** Parts of names as an attacker would choose them: separators, what looks like a subject or like percent-encoding. */
const part = fc.string({
  unit: fc.constantFrom('a', 'b', ':', '%', '2', 'F', '-', '.', '|', ',', '=', '?', '#', '&', '[', '{', '界'),
  minLength: 1,
  maxLength: 4,
})
const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
const documentName: fc.Arbitrary<DocumentName> = fc
  .record({ collection: path, key: path })
  .filter(({ collection, key }) => isName(collection, key))
/** All documents whose collection and key together are the same path. */
const namesOfOnePath = fc
  .array(part, { minLength: 2, maxLength: 5 })
  .map((parts) =>
    parts.slice(1).map((_, at) => ({
      collection: parts.slice(0, at + 1).join('/'),
      key: parts.slice(at + 1).join('/'),
    })),
  )
  .filter((names) => names.every(({ collection, key }) => isName(collection, key)))
const pattern = fc
  .array(fc.oneof(part, fc.constantFrom('*', '**', 'a*')), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'))

const grantsOf = (text: string): Grant[] => {
  const grant = parseGrant(`documents:write:${text}`)
  return grant === undefined ? [] : [grant]
}
const subjectOf = (name: DocumentName) =>
  documentEvent('document.created', { ...name, accountId: 'account', version: 1, sizeBytes: 1 } as never, by).subject

describe('a document', () => {
  it('has an identity of its own, whatever its collection and key contain', () => {
    fc.assert(
      fc.property(namesOfOnePath, (names) => {
        const ids = names.map((name) => documentId({ accountId: 'account', ...name }))
        expect(new Set(ids).size).toBe(names.length)
      }),
    )
    fc.assert(
      fc.property(documentName, documentName, (one, other) => {
        const areSame = one.collection === other.collection && one.key === other.key
        const isSameId = documentId({ accountId: 'a', ...one }) === documentId({ accountId: 'a', ...other })
        expect(isSameId).toBe(areSame)
      }),
    )
  })

  it('shares subject and rights with the documents of the same path, and with no others', () => {
    fc.assert(
      fc.property(namesOfOnePath, pattern, (names, text) => {
        const grants = grantsOf(text)
        const decisions = names.map((name) => allows(grants, 'documents:write', resourceOf(name)))
        expect(new Set(decisions).size).toBe(1)
        expect(new Set(names.map(subjectOf)).size).toBe(1)
      }),
    )
    fc.assert(
      fc.property(documentName, documentName, (one, other) => {
        const isOnePath = `${one.collection}/${one.key}` === `${other.collection}/${other.key}`
        expect(subjectOf(one) === subjectOf(other)).toBe(isOnePath)
        expect(resourceOf(one) === resourceOf(other)).toBe(isOnePath)
      }),
    )
  })

  it('has events whose subject and data say exactly which one it is', () => {
    fc.assert(
      fc.property(documentName, (name) => {
        const state = { ...name, accountId: 'account', version: 1, sizeBytes: 1 } as never
        const { subject, data } = documentEvent('document.created', state, by)
        expect(subject).toBe(`document:${resourceOf(name)}`)
        expect(data).toMatchObject(name)
      }),
    )
  })
})

describe('subjects', () => {
  it('of different kinds or names are different', () => {
    const subjects = (name: string) => [
      subjectOf({ collection: name, key: name }),
      collectionEvent('collection.created', 'account', by, { path: name }).subject,
      entryEvent('account', { key: name, kind: 'DELETED', version: 1, revision: 1, by } as never).subject,
      lockEvent('lock.released', 'account', by, { name } as never).subject,
    ]
    fc.assert(
      fc.property(path, path, (one, other) => {
        const expected = one === other ? 4 : 8
        expect(new Set([...subjects(one), ...subjects(other)]).size).toBe(expected)
      }),
    )
  })
})

describe('the lock of a repository and a resource', () => {
  it('has a name of its own, whatever these contain', () => {
    const text = fc.oneof(
      path,
      fc.string({ maxLength: 6 }),
      fc.string({ unit: fc.constantFrom('/', '%', '2', 'F', 'a') }),
    )
    const place = fc.record({ repository: text, resource: text })
    fc.assert(
      fc.property(place, place, (one, other) => {
        const areSame = one.repository === other.repository && one.resource === other.resource
        expect(lockNameOf(one) === lockNameOf(other)).toBe(areSame)
      }),
      { numRuns: 2_000 },
    )
    fc.assert(
      fc.property(fc.array(part, { minLength: 2, maxLength: 6 }), (parts) => {
        const places = parts.slice(1).map((_, at) => ({
          repository: parts.slice(0, at + 1).join('/'),
          resource: parts.slice(at + 1).join('/'),
        }))
        expect(new Set(places.map(lockNameOf)).size).toBe(places.length)
      }),
    )
  })
})
