import { styleText } from 'node:util'
import type { App } from './app.ts'
import type { Config } from './config.ts'

const defaultUrl = 'http://127.0.0.1:4000'

/** The owner's token: its text at a first start on a terminal, otherwise the file that has it. */
export type OwnerToken = { readonly text: string } | { readonly file: string }

interface BannerOptions {
  /** How the user calls this program. */
  readonly invocation: string
  /** Undefined: it was shown, or given, at the first start. */
  readonly ownerToken: OwnerToken | undefined
  readonly isColored: boolean
}

/**
 * What the operator has to know about a server that has started: five lines, the last one a command to paste; above them,
 * problems that need attention.
 */
export function banner(app: App, config: Config, { invocation, ownerToken, isColored }: BannerOptions): string {
  const { url } = app
  const lines = [
    ['Signalbox', url],
    ['token', tokenText(ownerToken, invocation)],
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

function tokenText(token: OwnerToken | undefined, invocation: string): string {
  if (token === undefined) return `as at the first start; replace it with: ${invocation} token reset-owner`
  return 'file' in token ? token.file : token.text
}

function firstCommand(url: string, token: OwnerToken | undefined, invocation: string): string {
  const settings = [
    ...(url === defaultUrl ? [] : [`SIGNALBOX_URL=${url}`]),
    ...(token === undefined ? [] : [`SIGNALBOX_TOKEN=${'file' in token ? `"$(cat '${token.file}')"` : token.text}`]),
  ]
  return [...settings, invocation, 'task submit repository.inspect --set source=. --watch'].join(' ')
}
