import { Link } from 'wouter'
import { documentHref } from '#console/views/documents/paths.ts'

/** What an event or an audit entry is about, with a link to its page where it has one. */
export function Subject({ subject }: { readonly subject: string }) {
  const href = hrefOf(subject)
  return href === undefined ? (
    <span className="soft mono">{subject}</span>
  ) : (
    <Link href={href} className="mono">
      {subject}
    </Link>
  )
}

function hrefOf(subject: string): string | undefined {
  const at = subject.indexOf(':')
  const [kind, id] = [subject.slice(0, at), subject.slice(at + 1)]
  const path = id.split('/').map(encodeURIComponent).join('/')
  if (kind === 'task') return `/tasks/${id}`
  if (kind === 'entry') return `/entries/${path}`
  if (kind === 'lock') return `/locks/${path}`
  if (kind === 'collection') return `/documents?in=${encodeURIComponent(id)}`
  if (kind === 'webhook') return `/webhooks/${id}`
  if (kind !== 'document') return undefined
  const end = id.lastIndexOf('/')
  return documentHref(id.slice(0, end), id.slice(end + 1))
}
