const kinds: Readonly<Record<string, string>> = {
  COMPLETED: 'good',
  DELIVERED: 'good',
  SUCCEEDED: 'good',
  FAILED: 'bad',
  REFUSED: 'bad',
  REVOKED: 'bad',
  EXPIRED: 'warn',
  PENDING: 'warn',
  INACTIVE: 'warn',
  SCHEDULED: '',
  CANCELLED: '',
  SKIPPED: '',
}

/** A state by its name, with a color and a mark of its own. `isRunning`: whether ACTIVE means work under way. */
export function Status({ value, isRunning = false }: { readonly value: string; readonly isRunning?: boolean }) {
  const kind = value === 'ACTIVE' ? (isRunning ? 'busy' : 'good') : (kinds[value] ?? '')
  const text = value === 'ACTIVE' && isRunning ? 'Running' : sentence(value)
  return <span className={`status ${kind}`}>{text}</span>
}

/** `PER_SUBJECT` as people read it. */
export function sentence(name: string): string {
  const text = name.toLowerCase().replaceAll('_', ' ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}
