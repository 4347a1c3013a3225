import { z } from 'zod'
import { ExchangeTokenDocument } from '#transport/rest/generated/graphql.ts'
import { defineRoute, json } from '#transport/rest/route.ts'

const tokenType = 'urn:ietf:params:oauth:token-type:'

/** The names are those of RFC 8693 §2.2.1. */
const exchanged = z
  .object({
    access_token: z.string().describe('Send it as `Authorization: Bearer <token>`.'),
    issued_token_type: z.literal(`${tokenType}access_token`),
    token_type: z.literal('Bearer'),
    expires_in: z.int().describe('For how many seconds; at most 3600.'),
    scope: z.string().describe('What it may do: scopes with spaces between them.'),
  })
  .meta({ id: 'ExchangedToken', description: 'A short-lived token.' })

/** Exchanges tokens of trusted issuers (RFC 8693). */
export const tokenExchangeRoutes = [
  defineRoute({
    method: 'post',
    path: '/auth/token',
    name: 'exchangeToken',
    tag: 'Signing in',
    summary: 'Exchanges the OIDC token of a CI job for a short-lived token.',
    description:
      'Token exchange (RFC 8693), by the first trust rule of the configuration that matches the token. Takes a form or JSON.',
    access: 'open',
    body: z.object({
      grant_type: z.literal('urn:ietf:params:oauth:grant-type:token-exchange'),
      subject_token: z.string().describe('The JWT of the job.'),
      subject_token_type: z.enum([`${tokenType}jwt`, `${tokenType}id_token`]),
      requested_token_type: z.literal(`${tokenType}access_token`).optional(),
      scope: z.string().optional().describe('Scopes with spaces between them; all that the rule grants when absent.'),
    }),
    bodyOfForm: (fields) => Object.fromEntries(fields),
    answers: { 200: { description: 'The new token.', schema: exchanged } },
    refusals: [401, 403, 429, 502],
    document: ExchangeTokenDocument,
    names: { scopes: 'scope', subjectToken: 'subject_token' },
    variables: ({ body: { subject_token: subjectToken, scope } }) => ({
      input: { subjectToken, scopes: scope === undefined ? null : scope.split(' ').filter(Boolean) },
    }),
    answer: ({ exchangeToken: { token, expiresInSeconds, scopes } }) =>
      json(200, {
        access_token: token,
        issued_token_type: `${tokenType}access_token` as const,
        token_type: 'Bearer' as const,
        expires_in: expiresInSeconds,
        scope: scopes.join(' '),
      }),
  }),
]
