import type { TaskPartSummaryFragment } from '#client/browser.ts'
import { basePath } from '#console/lib/base-path.ts'
import { useSession } from '#console/session/session-context.ts'
import { bytes } from '#console/ui/bytes.ts'
import { Card } from '#console/ui/page.tsx'

export interface PartsProps {
  readonly taskId: string
  readonly parts: readonly TaskPartSummaryFragment[]
}

/** The named pieces of a result, to download. */
export function Parts({ taskId, parts }: PartsProps) {
  const { session } = useSession()
  const query = new URLSearchParams({ session: session.account.id })
  const hrefOf = (name: string) => `${basePath}/api/tasks/${taskId}/parts/${encodeURIComponent(name)}?${query}`
  return (
    <Card title="Parts">
      <ul className="stack">
        {parts.map(({ name, contentType, sizeBytes, complete }) => (
          <li key={name}>
            <a href={hrefOf(name)} target="_blank" rel="noreferrer">
              {name}
            </a>
            <div className="soft small">
              {contentType}, {bytes(sizeBytes)}
              {!complete && ', being written'}
            </div>
          </li>
        ))}
      </ul>
    </Card>
  )
}
