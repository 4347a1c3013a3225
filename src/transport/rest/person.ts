import { z } from 'zod'
import type { PersonRole, UserFactsFragment } from './generated/graphql.ts'

/** What people are, in the words of the documented API. */
export const role = z.enum(['owner', 'member'])
type RoleName = z.output<typeof role>

/** A role as answers name it. */
export const nameOfRole = { OWNER: 'owner', MEMBER: 'member' } as const satisfies Record<PersonRole, RoleName>
/** The role that a request names. */
export const roleOf = { owner: 'OWNER', member: 'MEMBER' } as const satisfies Record<RoleName, PersonRole>

export const user = z
  .object({
    id: z.string(),
    firstName: z.string().describe('May be empty.'),
    lastName: z.string().describe('May be empty.'),
    email: z.string().describe('In lower case; unique in the account.'),
    role: role.describe('In the account.'),
    teams: z.array(z.string()).describe('The slugs of their teams.'),
  })
  .meta({ id: 'User', description: 'A person.' })

/** A person in the documented shape. */
export function toUser({
  id,
  firstName,
  lastName,
  email,
  role,
  memberships,
}: UserFactsFragment): z.output<typeof user> {
  const teams = memberships.map(({ team }) => team.slug).toSorted()
  return { id, firstName, lastName, email, role: nameOfRole[role], teams }
}

/** `email` in a path. */
export const personParams = z.object({ email: z.string().describe('The person’s e-mail address, or id.') })

/** The answer to what leaves nothing to be shown. */
export const done = z.object({ success: z.literal(true) }).meta({ id: 'Done', description: 'The request succeeded.' })
