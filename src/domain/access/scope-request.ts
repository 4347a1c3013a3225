import { InvalidInput } from '#lib/errors.ts'
import type { Caller } from './caller.ts'
import { ScopeNotHeld } from './errors.ts'
import { type Grant, isWithin, parseGrant } from './scope.ts'

const maxScopes = 50

/** Requested scopes, each once. @throws {InvalidInput} for an unknown scope, none at all, and too many */
export function parseScopes(texts: readonly string[]): readonly string[] {
  if (texts.length === 0) throw invalid('must name at least one')
  if (texts.length > maxScopes) throw invalid(`must be at most ${maxScopes}`)
  const wrong = texts.filter((text) => parseGrant(text) === undefined)
  if (wrong.length > 0)
    throw new InvalidInput(
      'The scopes are not valid.',
      texts.flatMap((text, index) =>
        wrong.includes(text) ? [{ path: `scopes.${index}`, message: scopeHint(text) }] : [],
      ),
    )
  const hopeless = texts.flatMap((text, index) => {
    const message = matchesNothing(text)
    return message === undefined ? [] : [{ path: `scopes.${index}`, message }]
  })
  if (hopeless.length > 0) throw new InvalidInput('The scopes are not valid.', hopeless)
  return [...new Set(texts)]
}

/** Why a scope that is narrowed to documents or entries can't match any; undefined when it can. */
function matchesNothing(text: string): string | undefined {
  const { scope, pattern } = parseGrant(text) ?? {}
  if (scope === undefined || pattern === undefined || scope.startsWith('tasks:')) return undefined
  if (!pattern.split('/').includes('')) return undefined
  const meant = `${scope}:${pattern.split('/').filter(Boolean).join('/')}${pattern.endsWith('/') ? '/**' : ''}`
  return `"${text.slice(0, 100)}" matches nothing, since no key has an empty part; did you mean "${meant.slice(0, 100)}"?`
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
  return `"${text.slice(0, 100)}" is not a scope, such as tasks:read, tasks:write:type=deploy.* or documents:write:releases/**`
}

function invalid(message: string): InvalidInput {
  return new InvalidInput('The scopes are not valid.', [{ path: 'scopes', message }])
}
