import { dirname } from 'node:path'
import type { TrustRule, TrustRuleConfig } from '#domain/access/trust/trust-rule.ts'
import type { HookConfig } from '#domain/hooks/hook.ts'
import type { CommandConfig } from '#domain/tasks/handlers/command-line.ts'
import type { TaskType } from '#domain/tasks/task-type.ts'

/** What a `signalbox.config.ts` exports by default. */
export interface ProjectConfigInput {
  /** Programs that callers may run as tasks of the type `command`, by the name that they use. */
  readonly commands?: Readonly<Record<string, CommandConfig>>
  /** Task types of your own, from `defineTaskType`. */
  readonly taskTypes?: readonly TaskType[]
  /**
   * Directories below which `repository.inspect` may read local repositories, relative to the file's own directory.
   * Default: the directory that the server was started in, unless that is the root of the file system; then none.
   */
  readonly roots?: readonly string[]
  /** Addresses below `/hooks/` that others call, by their ids, and the tasks that follow from a call. */
  readonly hooks?: Readonly<Record<string, HookConfig>>
  /** Which tokens of CI jobs and other OIDC issuers are exchanged for short-lived tokens, by the names of the rules. */
  readonly trust?: Readonly<Record<string, TrustRuleConfig>>
}

/** The configuration of this project, checked, with absolute paths. */
export interface ProjectConfig {
  readonly commands: Readonly<Record<string, CommandConfig>>
  readonly taskTypes: readonly TaskType[]
  readonly roots: readonly string[]
  readonly hooks: Readonly<Record<string, HookConfig>>
  /** In the order of the file. */
  readonly trust: readonly TrustRule[]
  /** Absolute path of the file that it came from. */
  readonly file?: string
}

/** Gives a configuration its types; changes nothing. */
export function defineConfig(config: ProjectConfigInput): ProjectConfigInput {
  return config
}

/** What holds where there is no configuration file. */
export function defaultProjectConfig(cwd: string): ProjectConfig {
  return { commands: {}, taskTypes: [], roots: defaultRoots(cwd), hooks: {}, trust: [] }
}

/** A service is often started in `/`: a token that may submit tasks must not read every repository of the machine. */
export function defaultRoots(cwd: string): string[] {
  return cwd === dirname(cwd) ? [] : [cwd]
}
