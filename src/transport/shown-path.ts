import { isId } from '#lib/ids.ts'

/** A path as logs and answers may hold it: some paths name an application token by its text, which stays out of both. */
export function shownPath(path: string): string {
  return path.replace(/(\/application-tokens\/)([^/]+)/, (whole, before: string, token: string) =>
    isId(token) ? whole : `${before}…`,
  )
}
