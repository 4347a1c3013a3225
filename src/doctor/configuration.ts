import { StartupError } from '#lib/errors.ts'
import { type Config, readConfig } from '#src/config.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

const faultLine = /^ {2}([A-Z_]+): (.+)$/gm

/**
 * The configuration, and what is wrong with it. Variables that are refused are left at their defaults, so that the rest
 * can be looked at all the same; undefined when not even that is a configuration.
 */
export function examineConfiguration(
  env: NodeJS.ProcessEnv,
  configFile: string | undefined,
): { config: Config | undefined; findings: Finding[] } {
  try {
    const config = readConfig(env, { workingDirectory: process.cwd(), isTerminal: false, configFile })
    const warnings = config.warnings.map((text) => ({ check: 'configuration', ...warning(text) }))
    const valid = [{ check: 'configuration', ...ok('The environment is valid.') }]
    return { config, findings: warnings.length > 0 ? warnings : valid }
  } catch (error) {
    if (!(error instanceof StartupError)) throw error
    const faults = [...error.message.matchAll(faultLine)].map(([, name = '', reason = '']) => ({ name, reason }))
    return withoutFaults(env, faults, configFile)
  }
}

interface Fault {
  readonly name: string
  readonly reason: string
}

/** What depends on several variables is found only once each by itself is right. */
function withoutFaults(env: NodeJS.ProcessEnv, faults: readonly Fault[], configFile: string | undefined) {
  const findings = faults.map(({ name, reason }) => ({
    check: 'configuration',
    ...problem(`${name}: ${reason}.`, 'Correct the variable, or unset it for its default.'),
  }))
  const isNew = faults.some(({ name }) => env[name] !== undefined)
  if (!isNew) return { config: undefined, findings }
  const names = faults.map(({ name }) => name)
  const accepted = Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name)))
  const rest = examineConfiguration(accepted, configFile)
  const more = rest.findings.filter(({ status }) => status !== 'ok')
  return { config: rest.config, findings: [...findings, ...more] }
}
