import { existsSync } from 'node:fs'

/** Debian's browser, or the one that CHROMIUM names; undefined where there is none. */
export const chromiumPath = [process.env['CHROMIUM'] ?? '', '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  (path) => path !== '' && existsSync(path),
)
