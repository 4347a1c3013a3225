/** Where a server takes operations, over HTTP and over WebSocket. */
export interface Endpoint {
  readonly http: string
  readonly webSocket: string
}

/** The endpoint of a server such as `https://box.example/signalbox`. @throws {TypeError} when that is no http(s) address. */
export function endpointOf(serverUrl: string): Endpoint {
  // `URL.parse` is not in Node 20.
  const url = URL.canParse(serverUrl) ? new URL(serverUrl) : null
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(`"${serverUrl}" is not the address of a server, such as http://127.0.0.1:4000.`)
  }
  url.pathname = url.pathname.replace(/\/?(graphql)?\/?$/, '/graphql')
  url.hash = ''
  const http = url.href
  return { http, webSocket: http.replace(/^http/, 'ws') }
}
