import { type Scope, sufficientScopes } from '#domain/access/scope.ts'

/** The scope that is needed; `signed in` is for everybody who is, `anyone` for those too who aren't, `nobody` for none. */
export type Need = Scope | 'signed in' | 'anyone' | 'nobody'

/** Who may call something. */
export interface Right {
  /** What application tokens need, and people unless {@link people} says otherwise. */
  readonly needs: Need
  /** What people need, who see less than application tokens would: what concerns themselves. */
  readonly people?: Need
}

/** The scopes of which each is enough. */
export function enough(needs: Need): readonly Scope[] {
  return needs === 'anyone' || needs === 'signed in' || needs === 'nobody' ? [] : sufficientScopes(needs)
}

/** Whether somebody with these scopes may. */
export function allows(needs: Need, held: readonly Scope[]): boolean {
  return needs === 'anyone' || needs === 'signed in' || held.some((scope) => enough(needs).includes(scope))
}

/** Whether who has one right has the other. */
export function isEnough(has: Need, needs: Need): boolean {
  if (needs === 'anyone' || has === needs) return true
  if (has === 'anyone' || needs === 'nobody') return false
  if (needs === 'signed in' || has === 'nobody') return true
  return has !== 'signed in' && sufficientScopes(needs).includes(has)
}
