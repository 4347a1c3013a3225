import type { IncomingMessage, ServerResponse } from 'node:http'

/** A signal's arm and lamp. */
const iconSvg =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1d3557"/>' +
  '<path d="M9 5h3v22H9z" fill="#fff"/><path d="M12 7h13v6H12z" fill="#e63946"/><circle cx="21" cy="22" r="3.5" fill="#2a9d8f"/></svg>'

/** The icon as an address that stands in a page itself, so that no further request is needed. */
export const icon = `data:image/svg+xml,${encodeURIComponent(iconSvg)}`

/** Where browsers look for an icon of answers that are not pages, such as `/health`. */
export const iconPath = '/favicon.ico'

/** Serves the icon. */
export async function serveIcon(_req: IncomingMessage, res: ServerResponse): Promise<void> {
  res.writeHead(200, {
    'content-type': 'image/svg+xml',
    'cache-control': 'public, max-age=86400',
    'x-content-type-options': 'nosniff',
  })
  res.end(iconSvg)
}

/** Headers of a page: it loads nothing but what the policy names, isn't framed, and tells nobody where it was. */
export function pageHeaders(
  policy: readonly string[],
  forms: "form-action 'none'" | "form-action 'self'" = "form-action 'none'",
): Readonly<Record<string, string>> {
  const always = ["default-src 'none'", "base-uri 'none'", forms, "frame-ancestors 'none'"]
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': [...always, ...policy].join('; '),
    'cache-control': 'no-cache',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  }
}
