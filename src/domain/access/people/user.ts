import { z } from 'zod'
import { invalidInput } from '#lib/errors.ts'
import { isStorable, unstorable } from '#lib/json.ts'
import { issuesOf } from '#lib/parse.ts'

/** What a person is in an account, and in a team. */
export const personRoles = ['OWNER', 'MEMBER'] as const
export type PersonRole = (typeof personRoles)[number]

/** Addresses are compared without regard to case; the part before the @ is not ours to take apart. */
const email = z
  .string()
  .trim()
  .toLowerCase()
  .max(254, 'must have at most 254 characters (RFC 5321 §4.5.3.1.3)')
  .pipe(z.email('must be an e-mail address'))
const name = z.string().trim().max(100, 'must have at most 100 characters').refine(isStorable, unstorable)

const userForm = z.object({ email, firstName: name, lastName: name, role: z.enum(personRoles) })
/** What is to be known of a person. */
export type UserFacts = z.output<typeof userForm>

/** Facts as they are stored. @throws {InvalidInput} */
export function validUser(facts: UserFacts): UserFacts {
  return valid(userForm, facts, 'The user')
}

/** An address as it is stored and looked for; undefined for what is none. */
export function normalEmail(text: string): string | undefined {
  return email.safeParse(text).data
}

const teamForm = z.object({
  name: name.min(1, 'must not be empty'),
  slug: z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'must be 1 to 63 of a-z, 0-9 and, between them, -'),
  description: z.string().trim().max(500, 'must have at most 500 characters').refine(isStorable, unstorable),
})
export type TeamFacts = z.output<typeof teamForm>

/** Facts as they are stored. @throws {InvalidInput} */
export function validTeam(facts: TeamFacts): TeamFacts {
  return valid(teamForm, facts, 'The team')
}

function valid<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw invalidInput(what, issuesOf(parsed.error))
}

/** Whether `to` is more than `from`. */
export function isRaise(from: PersonRole, to: PersonRole): boolean {
  return from === 'MEMBER' && to === 'OWNER'
}
