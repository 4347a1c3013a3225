import { describe, expect, it } from 'vitest'
import {
  allows,
  type Grant,
  grantText,
  isWithin,
  parseGrant,
  reach,
  rolesWithAny,
  scopes,
  scopesOfRole,
  sufficientScopes,
} from '#domain/access/scope.ts'

const granted = (...texts: string[]): Grant[] =>
  texts.map((text) => {
    const grant = parseGrant(text)
    if (grant === undefined) throw new Error(`${text} is not a scope`)
    return grant
  })

describe('a scope', () => {
  it('is read as it is written', () => {
    const narrowed = ['tasks:write:type=deploy.*', 'documents:write:releases/**', 'entries:read:flags/*']
    for (const text of [...scopes, ...narrowed]) expect(grantText(granted(text)[0] as Grant)).toBe(text)
  })

  it.each([
    '',
    '*',
    'tasks',
    'tasks:',
    'tasks:fly',
    'tasks:read:',
    'tasks:read:deploy',
    'tasks:read:type=',
    'tasks:read:label=x',
    'webhooks:admin:x',
    'documents:write:a b',
    'documents:write:a:b',
    `documents:write:${'a'.repeat(300)}`,
    'TASKS:READ',
    ' tasks:read',
  ])('is not %j', (text) => {
    expect(parseGrant(text)).toBeUndefined()
  })

  it('to write is enough to read, not the other way round', () => {
    expect(allows(granted('tasks:write'), 'tasks:read')).toBe(true)
    expect(allows(granted('tasks:admin'), 'tasks:write')).toBe(true)
    expect(allows(granted('tasks:read'), 'tasks:write')).toBe(false)
    expect(allows(granted('tasks:admin'), 'tasks:work')).toBe(false)
  })

  it('with a pattern holds where that matches', () => {
    const grants = granted('documents:write:releases/**', 'documents:read:flags')
    expect(allows(grants, 'documents:write', 'releases/prod')).toBe(true)
    expect(allows(grants, 'documents:read', 'releases/prod')).toBe(true)
    expect(allows(grants, 'documents:read', 'flags')).toBe(true)
    expect(allows(grants, 'documents:write', 'flags')).toBe(false)
    expect(allows(grants, 'documents:read')).toBe(true)
  })

  it('reaches everywhere, or as far as its patterns', () => {
    expect(reach(granted('tasks:read:type=a', 'tasks:write:type=b.*'), 'tasks:read')).toEqual(['a', 'b.*'])
    expect(reach(granted('tasks:read:type=a', 'tasks:write'), 'tasks:read')).toBeUndefined()
    expect(reach(granted('events:read'), 'tasks:read')).toEqual([])
  })

  it('can be handed on no wider than it is held', () => {
    const held = granted('tasks:write:type=a', 'documents:write')
    expect(
      granted('tasks:write:type=a', 'tasks:read:type=a', 'documents:read:x/*').every((one) => isWithin(one, held)),
    ).toBe(true)
    for (const wider of granted('tasks:write', 'tasks:read', 'tasks:write:type=b', 'tasks:admin', 'events:read'))
      expect(isWithin(wider, held)).toBe(false)
  })
})

describe('a role', () => {
  it('of an owner holds every scope, of a member what is for daily work', () => {
    expect(scopesOfRole.OWNER).toEqual(scopes)
    const member = granted(...scopesOfRole.MEMBER)
    const may = scopes.filter((scope) => allows(member, scope))
    expect(may.toSorted()).toEqual(
      ['documents:read', 'entries:read', 'events:read', 'salesforce:use', 'tasks:read', 'tasks:write'].toSorted(),
    )
  })

  it.each([
    ['tasks:read', ['OWNER', 'MEMBER']],
    ['salesforce:use', ['OWNER', 'MEMBER']],
    ['salesforce:deploy', ['OWNER']],
    ['documents:write', ['OWNER']],
    ['access:admin', ['OWNER']],
  ] as const)('is enough for %s when it holds that scope or a wider one: %j', (scope, roles) => {
    expect(rolesWithAny(sufficientScopes(scope))).toEqual(roles)
  })

  it('is enough for nothing that no scope is enough for', () => {
    expect(rolesWithAny([])).toEqual([])
  })
})
