/** The environment variable by which everything that an attempt started is found again, wherever it went. */
export const runMarkerName = 'SIGNALBOX_RUN'

/** One attempt's marker: `<server id>:<task id>:<fence>`. */
export function runMarker(serverId: string, taskId: string, fence: number): string {
  return `${serverId}:${taskId}:${fence}`
}

/** The server that a marker belongs to. */
export function markerServerId(marker: string): string {
  return marker.slice(0, marker.indexOf(':'))
}

/** What every program that a handler starts must have in its environment: the path, and the attempt's marker. */
export function inheritedEnvironment(): Record<string, string> {
  const { PATH = '', [runMarkerName]: marker } = process.env
  return marker === undefined ? { PATH } : { PATH, [runMarkerName]: marker }
}
