import { InvalidInput } from '#lib/errors.ts'
import type { Caller } from './caller.ts'
import { ScopeNotHeld } from './errors.ts'
import { type Grant, isWithin, parseGrant } from './scope.ts'

const mostScopes = 50

/** Scopes that were asked for, each once. @throws {InvalidInput} for what is none, for none at all, and for too many. */
export function parseScopes(texts: readonly string[]): readonly string[] {
  if (texts.length === 0) throw invalid('must name at least one')
  if (texts.length > mostScopes) throw invalid(`must be at most ${mostScopes}`)
  const wrong = texts.filter((text) => parseGrant(text) === undefined)
  if (wrong.length > 0)
    throw new InvalidInput(
      `The scopes are not valid: ${wrong.map((text) => text.slice(0, 100)).join(', ')}.`,
      texts.flatMap((text, index) =>
        wrong.includes(text) ? [{ path: `scopes.${index}`, message: scopeHint(text) }] : [],
      ),
    )
  return [...new Set(texts)]
}

/** The scopes that the grants don't include; texts that are no scope of this version grant nothing and are left out. */
export function missingOf(scopes: readonly string[], grants: readonly Grant[]): readonly string[] {
  return scopes.filter((text) => {
    const grant = parseGrant(text)
    return grant !== undefined && !isWithin(grant, grants)
  })
}

/** The scopes, if the caller has them all. @throws {ScopeNotHeld} */
export function held(caller: Caller, scopes: readonly string[]): readonly string[] {
  const missing = missingOf(scopes, caller.grants)
  if (missing.length > 0) {
    caller.lacks(missing)
    throw new ScopeNotHeld(missing)
  }
  return scopes
}

function scopeHint(text: string): string {
  return `"${text.slice(0, 100)}" is no scope, such as tasks:read, tasks:write:type=deploy.* or documents:write:releases/**`
}

function invalid(message: string): InvalidInput {
  return new InvalidInput(`The scopes are not valid: they ${message}.`, [{ path: 'scopes', message }])
}
