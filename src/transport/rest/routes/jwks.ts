import { z } from 'zod'
import { json, type Route } from '#transport/rest/route.ts'

/** The row that serves the keys by which others can check access tokens themselves. */
export function jwksRoutes(jwks: () => Promise<object>): readonly Route[] {
  return [
    {
      method: 'get',
      path: '/.well-known/jwks.json',
      name: 'getJwks',
      tag: 'Signing in',
      summary: 'Returns the public keys of access tokens (RFC 7517).',
      access: 'open',
      place: 'root',
      answers: {
        200: {
          description: 'A key set. Fetch it again when a token names a key that is not in it.',
          schema: z.looseObject({ keys: z.array(z.looseObject({ kid: z.string() })) }),
        },
      },
      handle: async () => json(200, await jwks(), { 'cache-control': 'public, max-age=300' }),
    },
  ]
}
