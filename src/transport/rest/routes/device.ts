import { z } from 'zod'
import { devicePath } from '#transport/pages/device/cookies.ts'
import { publicPathOf } from '#transport/public-path.ts'
import { BeginDeviceSignInDocument, FinishDeviceSignInDocument } from '#transport/rest/generated/graphql.ts'
import { defineRoute, json, type Route } from '#transport/rest/route.ts'
import { publicOrigin, signedInAnswer, signedInBody } from '#transport/rest/signed-in.ts'

const tag = 'Signing in'

/** The names are those of RFC 8628 §3.2. */
const authorization = z
  .object({
    device_code: z.string().describe('The device’s secret, used to fetch the tokens.'),
    user_code: z.string().describe('The code for a person to enter.'),
    verification_uri: z.string().describe('The page where they enter it.'),
    verification_uri_complete: z.string().describe('The same page with the code filled in.'),
    expires_in: z.int().describe('Lifetime of the codes in seconds.'),
    interval: z.int().describe('Minimum seconds between two requests for the tokens.'),
  })
  .meta({ id: 'DeviceAuthorization', description: 'A device that waits for approval.' })

/** The form of RFC 8628 §3.1, whose `scope` is a list with spaces; its `client_id` is a name to show as well as any. */
function authorizationRequest(fields: URLSearchParams): object {
  const { scope, client_id, client_name = client_id, ...rest } = Object.fromEntries(fields)
  const scopes = scope === undefined ? undefined : scope.split(' ').filter(Boolean)
  return { ...rest, ...(client_name !== undefined && { client_name }), ...(scopes !== undefined && { scopes }) }
}

/** Rows for programs without a browser; `publicUrl` is where this installation is reached. */
export function deviceRoutes(publicUrl: string | undefined): readonly Route[] {
  return [
    defineRoute({
      method: 'post',
      path: '/auth/device',
      name: 'beginDeviceSignIn',
      tag,
      summary: 'Starts the sign-in of a program without a browser.',
      description:
        'A person enters the code on the page and approves; meanwhile the program polls `/auth/device/token`.',
      access: 'open',
      headers: z.object({ host: z.string() }),
      body: z.object({
        client_name: z.string().describe('The name shown to the person; at most 100 characters.'),
        scopes: z.array(z.string()).optional().describe('The requested scopes; by default all of the person’s.'),
      }),
      bodyExamples: { narrow: { client_name: 'pipeline on build-7', scopes: ['tasks:write'] } },
      bodyOfForm: authorizationRequest,
      answers: { 200: { description: 'The sign-in waits ten minutes for approval.', schema: authorization } },
      refusals: [429],
      document: BeginDeviceSignInDocument,
      names: { clientName: 'client_name' },
      variables: ({ body }) => ({ input: { clientName: body.client_name, scopes: body.scopes ?? null } }),
      answer({ beginDeviceSignIn: begun }, { headers }) {
        const verificationUri = `${publicOrigin(publicUrl, headers.host)}${publicPathOf(publicUrl)}${devicePath}`
        return json(200, {
          device_code: begun.deviceCode,
          user_code: begun.userCode,
          verification_uri: verificationUri,
          verification_uri_complete: `${verificationUri}?user_code=${begun.userCode}`,
          expires_in: Math.round((new Date(begun.expiresAt).getTime() - Date.now()) / 1000),
          interval: Math.ceil(begun.intervalMs / 1000),
        })
      },
    }),
    defineRoute({
      method: 'post',
      path: '/auth/device/token',
      name: 'finishDeviceSignIn',
      tag,
      summary: 'Returns the tokens of a device once it is approved; poll it until then.',
      description:
        'Until then, `code` says what to do: AUTHORIZATION_PENDING, SLOW_DOWN, ACCESS_DENIED, EXPIRED_TOKEN.',
      access: 'open',
      body: z.object({ device_code: z.string() }),
      bodyOfForm: (fields) => Object.fromEntries(fields),
      answers: signedInAnswer,
      refusals: [403, 409, 410, 429],
      document: FinishDeviceSignInDocument,
      variables: ({ body }) => ({ deviceCode: body.device_code }),
      answer: ({ finishDeviceSignIn }) => json(200, signedInBody(finishDeviceSignIn)),
    }),
  ]
}
