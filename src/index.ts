/** What a `signalbox.config.ts` is written with. */
export type { TrustRuleConfig } from '#domain/access/trust/trust-rule.ts'
export type { HookCall, HookConfig, HookRule } from '#domain/hooks/hook.ts'
export {
  ApprovalRejected,
  type AwaitedTask,
  type GivenApproval,
  type ReceivedSignal,
  type WaitFor,
  type WaitOptions,
  WaitTimedOut,
} from '#domain/tasks/durable/wait.ts'
export type { CommandConfig } from '#domain/tasks/handlers/command-line.ts'
export type { RetryPolicy } from '#domain/tasks/retry-plan.ts'
export type { Priority } from '#domain/tasks/task.ts'
export type { TaskSecrets } from '#domain/tasks/task-secrets.ts'
export {
  type ChildTask,
  defineTaskType,
  type PartData,
  PermanentFailure,
  type SubmittedChild,
  type TaskContext,
  type TaskDefaults,
  TaskFailure,
  type TaskType,
} from '#domain/tasks/task-type.ts'
export { defineConfig, type ProjectConfigInput } from '#src/project/project-config.ts'
