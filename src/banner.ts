import { styleText } from 'node:util'
import type { App } from './app.ts'
import type { Config } from './config.ts'

const defaultUrl = 'http://127.0.0.1:4000'

/**
 * What the operator has to know of a server that has started, in five lines, of which the last is a command that can be
 * pasted; and above that what they should do something about.
 */
export function banner(app: App, config: Config, invocation: string, isColored: boolean): string {
  const { ownerToken, url } = app
  const lines = [
    ['Signalbox', url],
    ['token', ownerToken ?? 'as given at first start'],
    ['database', app.database],
    ['data', config.dataDir],
    ...app.warnings.map((warning) => ['warning', warning] as const),
    ['try', firstCommand(url, ownerToken, invocation)],
  ] as const
  return lines.map(([name, value]) => `${isColored ? label(name) : name.padEnd(9)}  ${value}\n`).join('')
}

function label(name: string): string {
  return styleText(['bold', 'cyan'], name.padEnd(9), { validateStream: false })
}

function firstCommand(url: string, token: string | undefined, invocation: string): string {
  const settings = [
    ...(url === defaultUrl ? [] : [`SIGNALBOX_URL=${url}`]),
    ...(token === undefined ? [] : [`SIGNALBOX_TOKEN=${token}`]),
  ]
  return [...settings, invocation, 'task submit repository.inspect --set source=. --watch'].join(' ')
}
