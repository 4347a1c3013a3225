import { z } from 'zod'

const signedIn = z
  .object({
    success: z.literal(true),
    access_token: z.string().describe('Send it as `Authorization: Bearer <token>`; it is valid for an hour.'),
    refresh_token: z.string().describe('Exchanges for the next pair; can be used once.'),
    user: z.object({ id: z.uuid(), email: z.email(), role: z.enum(['owner', 'member']) }),
  })
  .meta({ id: 'SignedIn', description: 'A person who is signed in.' })

/** What rows that sign somebody in answer with. */
export const signedInAnswer = { 200: { description: 'Signed in.', schema: signedIn } } as const

interface Session {
  readonly accessToken: string
  readonly refreshToken: string
  readonly userId: string
  readonly email: string
  readonly role: 'OWNER' | 'MEMBER'
}

/** A session in the documented shape. */
export function signedInBody({ accessToken, refreshToken, userId, email, role }: Session) {
  const user = { id: userId, email, role: role.toLowerCase() }
  return { success: true, access_token: accessToken, refresh_token: refreshToken, user }
}

/** Scheme and authority of an installation: those of `PUBLIC_URL` or, without one, of the request. */
export function publicOrigin(publicUrl: string | undefined, host: string): string {
  return publicUrl === undefined ? `http://${host}` : new URL(publicUrl).origin
}
