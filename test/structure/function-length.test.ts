import { expect, it } from 'vitest'
import { sourceFiles } from './source-files.ts'

const maxLines = 100

/** Functions that were longer before this was looked at, with how long they may be. None is added, and none grows. */
const longer: Readonly<Record<string, number>> = {
  'src/domain/access/people/team-service.ts: createTeamService': 105,
  'src/domain/access/sign-in/device-sign-in.ts: createDeviceSignIn': 119,
  'src/domain/access/sign-in/oidc-sign-in.ts: createOidcSignIn': 110,
  'src/domain/audit/service.ts: createAuditService': 103,
  'src/domain/documents/collection-service.ts: createCollectionService': 104,
  'src/domain/documents/query/service.ts: createDocumentQueryService': 111,
  'src/domain/documents/writer.ts: createDocumentWriter': 124,
  'src/domain/events/service.ts: createEventService': 103,
  'src/domain/hooks/service.ts: createHookService': 114,
  'src/domain/quotas/service.ts: createQuotaService': 103,
  'src/domain/webhooks/redelivery.ts: createRedelivery': 115,
}

/** The functions of a file that begin at its left margin, with their lengths in lines. */
function functionsOf(text: string): { name: string; lines: number }[] {
  const lines = text.split('\n')
  return lines.flatMap((line, start) => {
    const [, name] = /^(?:export )?(?:async )?function\*? (\w+)/.exec(line) ?? []
    if (name === undefined || line.endsWith('}')) return []
    const end = lines.findIndex((other, at) => at > start && other === '}')
    return [{ name, lines: end - start + 1 }]
  })
}

it('no function of a domain is longer than 100 lines: such a service becomes commands and reads, or a class', () => {
  const domains = [...sourceFiles].filter(([path]) => path.startsWith('src/domain/'))
  const tooLong = domains.flatMap(([path, text]) =>
    functionsOf(text)
      .map(({ name, lines }) => ({ what: `${path}: ${name}`, lines }))
      .filter(({ what, lines }) => lines > (longer[what] ?? maxLines)),
  )
  expect(tooLong).toEqual([])
})
