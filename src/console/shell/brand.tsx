import type { Instance } from '#console/session/session.ts'

/** A signal's arm and lamp, and which installation this is. */
export function Brand({ instance }: { readonly instance: Instance }) {
  return (
    <span className="brand">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="7" fill="#1d3557" />
        <path d="M9 5h3v22H9z" fill="#fff" />
        <path d="M12 7h13v6H12z" fill="#e63946" />
        <circle cx="21" cy="22" r="3.5" fill="#2a9d8f" />
      </svg>
      <span>
        Signalbox
        {instance.name && <span className="instance">{instance.name}</span>}
      </span>
    </span>
  )
}
