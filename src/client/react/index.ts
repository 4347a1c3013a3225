export type { ConnectionState } from './connection.ts'
export { SignalboxProvider, type SignalboxProviderProps, useClient } from './context.ts'
export type { Live } from './live.ts'
export { useConnection } from './use-connection.ts'
export { type DeliveriesOptions, useDeliveries } from './use-deliveries.ts'
export {
  type DocumentOptions,
  type DocumentRow,
  type DocumentsOptions,
  useDocument,
  useDocuments,
} from './use-documents.ts'
export { useEntries, useEntry, useLock, useLocks } from './use-entries.ts'
export { type EventsOptions, useEvents } from './use-events.ts'
export { type List, type ListQuery, type ListState, type Page, useList } from './use-list.ts'
export { type Log, type LogLine, type LogsOptions, useLogs } from './use-logs.ts'
export { type MutationState, useMutation } from './use-mutation.ts'
export { type QueryOptions, type QueryState, useQuery } from './use-query.ts'
export { type SubmitState, useSubmit } from './use-submit.ts'
export { type TaskData, useTask } from './use-task.ts'
export { type TasksOptions, useTasks } from './use-tasks.ts'
