import { styleText } from 'node:util'
import type { App } from './app.ts'
import type { Config } from './config.ts'

const defaultUrl = 'http://127.0.0.1:4000'

/** The owner's token of a first start. */
export interface OwnerToken {
  readonly text: string
  /** Where it was written, in place of being shown. */
  readonly file?: string
}

interface BannerOptions {
  /** How the user calls this program. */
  readonly invocation: string
  /** Of a first start that made one. */
  readonly ownerToken: OwnerToken | undefined
  readonly isColored: boolean
}

/**
 * What the operator has to know of a server that has started, in five lines, of which the last is a command that can be
 * pasted; and above that what they should do something about.
 */
export function banner(app: App, config: Config, { invocation, ownerToken, isColored }: BannerOptions): string {
  const { url } = app
  const lines = [
    ['Signalbox', url],
    ['token', tokenText(ownerToken)],
    ['database', app.database],
    ['data', config.dataDir],
    ...app.warnings.map((warning) => ['warning', warning] as const),
    ...(config.roles.api ? [['try', firstCommand(url, ownerToken, invocation)] as const] : []),
  ] as const
  return lines.map(([name, value]) => `${isColored ? label(name) : name.padEnd(9)}  ${value}\n`).join('')
}

function label(name: string): string {
  return styleText(['bold', 'cyan'], name.padEnd(9), { validateStream: false })
}

function tokenText(token: OwnerToken | undefined): string {
  if (token === undefined) return 'as given at first start'
  return token.file ?? token.text
}

function firstCommand(url: string, token: OwnerToken | undefined, invocation: string): string {
  const settings = [
    ...(url === defaultUrl ? [] : [`SIGNALBOX_URL=${url}`]),
    ...(token === undefined
      ? []
      : [`SIGNALBOX_TOKEN=${token.file === undefined ? token.text : `"$(cat '${token.file}')"`}`]),
  ]
  return [...settings, invocation, 'task submit repository.inspect --set source=. --watch'].join(' ')
}
