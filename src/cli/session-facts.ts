import { z } from 'zod'

const form = z.object({
  url: z.string(),
  email: z.string(),
  accessToken: z.string(),
  accessTokenExpiresAt: z.iso.datetime(),
  refreshToken: z.string(),
})

/** What a person is signed in with at one server. */
export type SessionFacts = z.output<typeof form>

/** Undefined when the text holds something else. @throws {SyntaxError} when it isn't JSON */
export function readSessionFacts(text: string): SessionFacts | undefined {
  return form.safeParse(JSON.parse(text)).data
}
