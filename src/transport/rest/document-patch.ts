import { z } from 'zod'
import { Refused } from './refused.ts'

const mergePatch = {
  schema: z.unknown().describe('The members to change; null removes a member (RFC 7396).'),
  example: { image: 'web:1.4.3' },
}
const jsonPatch = {
  schema: z
    .array(
      z
        .looseObject({
          op: z.enum(['add', 'remove', 'replace', 'move', 'copy', 'test']),
          path: z.string().describe('A JSON Pointer (RFC 6901).'),
          from: z.string().optional().describe('The source of `move` and `copy`: a JSON Pointer.'),
          value: z.unknown().optional().describe('The value for `add`, `replace` and `test`.'),
        })
        .meta({ id: 'JsonPatchOperation', description: 'One step of a JSON Patch (RFC 6902).' }),
    )
    .describe('The operations, applied in order; all of them or none.'),
  example: [{ op: 'replace', path: '/image', value: 'web:1.4.3' }],
}
/** The media types of a patch, as the documentation shows them. */
export const patchTypes = {
  'application/merge-patch+json': mergePatch,
  'application/json-patch+json': jsonPatch,
  'application/json': mergePatch,
}

/** A patch as GraphQL takes it, of the kind that its media type says. @throws {Refused} 415 for another one */
export function patchOf(contentType: string, patch: unknown): { mergePatch: unknown } | { jsonPatch: unknown } {
  const [type = ''] = contentType.toLowerCase().split(/ *;/, 1)
  if (type === 'application/json-patch+json') return { jsonPatch: patch }
  if (type === 'application/merge-patch+json' || type === 'application/json') return { mergePatch: patch }
  throw new Refused(
    'UNSUPPORTED_MEDIA_TYPE',
    'A patch is application/merge-patch+json or application/json-patch+json.',
    {
      headers: { 'accept-patch': 'application/merge-patch+json, application/json-patch+json' },
    },
  )
}
