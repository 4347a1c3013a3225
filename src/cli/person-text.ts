import type { PersonRole } from '#client/index.ts'
import { printable } from './text.ts'

/** What people can be, in an account and in a team. */
export const personRoles: readonly PersonRole[] = ['OWNER', 'MEMBER']

/** A person's name as far as it is known; may be empty. */
export function fullName({ firstName, lastName }: { readonly firstName: string; readonly lastName: string }): string {
  return printable(`${firstName} ${lastName}`).trim()
}
