import { InvalidInput } from '#lib/errors.ts'
import { keyFault, pathFault } from '#lib/key-rule.ts'

/** The collection of documents for which none is named. */
export const defaultCollection = 'default'

/** Checks a collection's path ({@link pathFault}). @throws {InvalidInput} */
export function checkPath(path: string, at = 'collection'): void {
  refuse('A collection’s path', path, at, pathFault(path))
}

/** Checks a document's key ({@link keyFault}). @throws {InvalidInput} */
export function checkKey(key: string, at = 'key'): void {
  refuse('A document’s key', key, at, keyFault(key))
}

/** Whether a name could be a document's at all; one that couldn't names nothing that exists. */
export function isName(collection: string, key: string): boolean {
  return pathFault(collection) === undefined && keyFault(key) === undefined
}

function refuse(what: string, text: string, path: string, fault: string | undefined): void {
  if (fault === undefined) return
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text
  const message = `${what} ${fault}: ${JSON.stringify(shown)}.`
  throw new InvalidInput(`${what} is not valid.`, [{ path, message: fault }], message)
}
