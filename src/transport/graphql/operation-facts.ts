import { hash } from 'node:crypto'
import { type DocumentNode, Kind, print } from 'graphql'
import { LRUCache } from 'lru-cache'
import type { Origin } from '#platform/journal/entry.ts'

type OperationFacts = NonNullable<Origin['operation']>

const ofTexts = new LRUCache<string, string>({
  max: 1_000,
  maxSize: 4_000_000,
  sizeCalculation: (made, text) => text.length + made.length,
})
const ofDocuments = new WeakMap<DocumentNode, OperationFacts>()

/** What the journal records about an operation: its name, and the SHA-256 of its text to find it by. */
export function operationOf(params: {
  readonly query?: string | DocumentNode | undefined
  readonly operationName?: string | null | undefined
}): OperationFacts {
  const { query = '', operationName } = params
  if (typeof query !== 'string') return factsOf(query)
  return { name: operationName ?? nameIn(query), hash: hashOf(query) }
}

/** Documents are constants of ours, with one operation each. */
function factsOf(document: DocumentNode): OperationFacts {
  const known = ofDocuments.get(document)
  if (known !== undefined) return known
  const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION)
  const made = { name: operation?.name?.value, hash: hashOf(print(document)) }
  ofDocuments.set(document, made)
  return made
}

function hashOf(text: string): string {
  const known = ofTexts.get(text)
  if (known !== undefined) return known
  const made = hash('sha256', text)
  ofTexts.set(text, made)
  return made
}

/** Of a text with one operation: its name, if it has one. */
function nameIn(text: string): string | undefined {
  return /^\s*(?:query|mutation|subscription)\s+([_A-Za-z]\w{0,127})/.exec(text)?.[1]
}
