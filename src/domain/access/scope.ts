import { matchesPattern } from '#lib/path-pattern.ts'
import { type PersonRole, personRoles } from './people/user.ts'

/** The scopes of tokens. */
export const scopes = [
  'tasks:read',
  'tasks:write',
  'tasks:work',
  'tasks:approve',
  'tasks:admin',
  'documents:read',
  'documents:write',
  'entries:read',
  'entries:write',
  'webhooks:admin',
  'salesforce:use',
  'salesforce:deploy',
  'salesforce:admin',
  'secrets:read',
  'secrets:write',
  'access:admin',
  'audit:read',
  'events:read',
  'events:write',
] as const
/** What reaches beyond one account: no role has it, and `*` does not stand for it. Only the operator's own tokens have it. */
export const installationScopes = ['installation:admin'] as const
const knownScopes = [...scopes, ...installationScopes]
export type Scope = (typeof knownScopes)[number]

/** A scope that holds where the resource matches: a path for documents and entries, a task type, or the beginning of one, for tasks. */
export interface Grant {
  readonly scope: Scope
  /** Everywhere when undefined. */
  readonly pattern?: string
}

/** Other scopes that include the requested one, such as writing that includes reading. */
const enough: Partial<Record<Scope, readonly Scope[]>> = {
  'tasks:read': ['tasks:write', 'tasks:approve', 'tasks:admin'],
  'tasks:write': ['tasks:admin'],
  'tasks:approve': ['tasks:admin'],
  'documents:read': ['documents:write'],
  'entries:read': ['entries:write'],
  'salesforce:use': ['salesforce:deploy', 'salesforce:admin'],
  'salesforce:deploy': ['salesforce:admin'],
  'secrets:read': ['secrets:write'],
  // A caller who has events sent somewhere can read them there.
  'events:read': ['webhooks:admin'],
  'events:write': ['webhooks:admin'],
}

/** The scopes of which one is needed, the requested one first. */
export function sufficientScopes(scope: Scope): readonly Scope[] {
  return [scope, ...(enough[scope] ?? [])]
}

const maxPatternLength = 256
/** Scopes that can be narrowed, and how a pattern of theirs begins. */
const narrowed: Readonly<Record<string, string>> = { tasks: 'type=', documents: '', entries: '' }

/**
 * Reads a scope as a token has it, such as `tasks:read`, `tasks:write:type=deploy.*` or `documents:write:releases/**`.
 * @returns undefined for anything that is not a scope.
 */
export function parseGrant(text: string): Grant | undefined {
  const [group = '', verb = ''] = text.split(':', 2)
  const scope = knownScopes.find((known) => known === `${group}:${verb}`)
  if (scope === undefined) return undefined
  if (text.length === scope.length) return { scope }
  const pattern = text.slice(scope.length + 1)
  const begins = narrowed[group]
  if (begins === undefined || !pattern.startsWith(begins) || pattern.length > maxPatternLength) return undefined
  const resource = pattern.slice(begins.length)
  if (resource === '' || /[\s:]/.test(resource)) return undefined
  // Lists of tasks are narrowed by the database, which finds names and their beginnings by an index.
  if (group === 'tasks' && resource.slice(0, -1).includes('*')) return undefined
  return { scope, pattern: resource }
}

/** The scopes of people by their role. */
export const scopesOfRole = {
  OWNER: scopes,
  MEMBER: ['tasks:read', 'tasks:write', 'documents:read', 'entries:read', 'events:read', 'salesforce:use'],
} as const satisfies Record<string, readonly Scope[]>

/** The roles of people who may something of which any of these scopes is enough, the highest first. */
export function rolesWithAny(sufficient: readonly string[]): readonly PersonRole[] {
  return personRoles.filter((role) => scopesOfRole[role].some((scope) => sufficient.includes(scope)))
}

/** Stands for all scopes of an account, those of later versions included; only the first owner's token has it. */
export const everyScope = '*'

/** The scopes of a token, with {@link everyScope} written out. */
export function expandScopes(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => (text === everyScope ? scopes : [text]))
}

/** The grants of a token; texts that are not scopes (any more) are left out. */
export function grantsOf(texts: readonly string[]): Grant[] {
  return expandScopes(texts).flatMap((text) => parseGrant(text) ?? [])
}

/** What these scopes allow a person in this role: those that the role has too, and what is left of wider ones. */
export function grantsWithinRole(texts: readonly string[], role: PersonRole): Grant[] {
  const ofRole = grantsOf(scopesOfRole[role])
  const within = grantsOf(texts).flatMap((grant) => {
    if (isWithin(grant, ofRole)) return [grant]
    return ofRole
      .filter(({ scope }) => sufficientScopes(scope).includes(grant.scope))
      .map((one) => ({ ...grant, ...one }))
  })
  return [...new Map(within.map((grant) => [grantText(grant), grant])).values()]
}

/** A grant as a token has it; what {@link parseGrant} reads. */
export function grantText({ scope, pattern }: Grant): string {
  if (pattern === undefined) return scope
  return `${scope}:${narrowed[scope.split(':', 1)[0] ?? ''] ?? ''}${pattern}`
}

/** Whether the grants allow this; without a resource: whether they allow it anywhere. */
export function allows(grants: readonly Grant[], scope: Scope, resource?: string): boolean {
  const sufficient = sufficientScopes(scope)
  return grants.some(
    (grant) =>
      sufficient.includes(grant.scope) &&
      (grant.pattern === undefined || resource === undefined || matchesPattern(grant.pattern, resource)),
  )
}

/** Where the grants allow this: patterns of which one has to match, or undefined for everywhere. */
export function reach(grants: readonly Grant[], scope: Scope): readonly string[] | undefined {
  const sufficient = sufficientScopes(scope)
  const patterns: string[] = []
  for (const grant of grants) {
    if (!sufficient.includes(grant.scope)) continue
    if (grant.pattern === undefined) return undefined
    patterns.push(grant.pattern)
  }
  return patterns
}

/** Whether everything that `inner` allows is allowed by `outer` too; a pattern counts as inside of itself and of everywhere. */
export function isWithin(inner: Grant, outer: readonly Grant[]): boolean {
  const sufficient = sufficientScopes(inner.scope)
  return outer.some(
    ({ scope, pattern }) => sufficient.includes(scope) && (pattern === undefined || pattern === inner.pattern),
  )
}
