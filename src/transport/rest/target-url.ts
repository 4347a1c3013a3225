/** Path and query of a request's URL, as a URL of no host in particular: the Host header may name one that none can have. */
export function targetUrl(url: string): URL {
  return new URL(`http://localhost${url.slice(url.indexOf('/', 'https://'.length))}`)
}
