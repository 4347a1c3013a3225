import { describe, expect, it } from 'vitest'
import { addressed, Refused } from '#transport/rest/refused.ts'

const person = { actor: { kind: 'user', id: '1', name: 'ada@example.com' } } as const
const token = { actor: { kind: 'application', id: '2', name: 'pipeline' } } as const

const forbidden = (...sufficientScopes: string[]) =>
  new Refused('FORBIDDEN', 'This needs the scope.', { sufficientScopes })

describe('a refusal for lack of a right', () => {
  it.each([
    [['access:admin'], 'owner'],
    [['tasks:read', 'tasks:write', 'tasks:admin'], 'owner, member'],
  ])('names to people the roles that hold one of %j', (scopes, roles) => {
    expect(addressed(forbidden(...scopes), person)).toMatchObject({
      code: 'FORBIDDEN',
      message: `Forbidden - Requires role: ${roles}`,
    })
  })

  it('names scopes to a token', () => {
    expect(addressed(forbidden('access:admin'), token)).toMatchObject({ message: 'This needs the scope.' })
  })
})

describe('any other refusal', () => {
  it('is the same to everybody', () => {
    const missing = new Refused('NOT_FOUND', 'There is no task x.')
    const odd = new Error('odd')
    for (const caller of [person, token, undefined])
      expect([addressed(missing, caller), addressed(odd, caller)]).toEqual([missing, odd])
  })
})
