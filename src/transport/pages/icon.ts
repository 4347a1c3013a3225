import type { IncomingMessage, ServerResponse } from 'node:http'
import { sendPage } from './page.ts'

/** A signal's arm and lamp. */
const iconSvg =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1d3557"/>' +
  '<path d="M9 5h3v22H9z" fill="#fff"/><path d="M12 7h13v6H12z" fill="#e63946"/><circle cx="21" cy="22" r="3.5" fill="#2a9d8f"/></svg>'

/** The icon as an address that stands in a page itself, so that no further request is needed. */
export const icon = `data:image/svg+xml,${encodeURIComponent(iconSvg)}`

/** Where browsers look for an icon of answers that are not pages, such as `/health`. */
export const iconPath = '/favicon.ico'

const headers = {
  'content-type': 'image/svg+xml',
  'cache-control': 'public, max-age=86400',
  'x-content-type-options': 'nosniff',
}

/** Serves the icon. */
export async function serveIcon(req: IncomingMessage, res: ServerResponse): Promise<void> {
  sendPage(req, res, { status: 200, headers, body: iconSvg })
}
