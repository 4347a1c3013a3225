/** The path that this installation is served below, without a slash at its end: the page's `<base>` says it. */
export const basePath = new URL(document.baseURI).pathname.replace(/\/$/, '')

/** The address of the server, for commands to copy. */
export const serverUrl = `${location.origin}${basePath}`
