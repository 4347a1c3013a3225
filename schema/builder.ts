import SchemaBuilder from '@pothos/core'
import ComplexityPlugin from '@pothos/plugin-complexity'
import ErrorsPlugin from '@pothos/plugin-errors'
import PrismaPlugin from '@pothos/plugin-prisma'
import type { RequestOrigin } from '#domain/access/caller.ts'
import type { AccessService, Caller } from '#domain/access/service.ts'
import type { AuditService } from '#domain/audit/service.ts'
import type { DocumentQueryService } from '#domain/documents/query/service.ts'
import type { DocumentService } from '#domain/documents/service.ts'
import type { EntryService } from '#domain/entries/service.ts'
import type { EnvironmentService } from '#domain/environments/service.ts'
import type { EventService } from '#domain/events/service.ts'
import type { Allowance } from '#domain/limits/allowance.ts'
import type { LockService } from '#domain/locks/service.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import type { SalesforceService } from '#domain/salesforce/service.ts'
import type { SecretService } from '#domain/secrets/service.ts'
import type { RemoteWorkService } from '#domain/tasks/remote/service.ts'
import type { ScheduleService } from '#domain/tasks/schedules/schedule-commands.ts'
import type { TaskService } from '#domain/tasks/service.ts'
import type { WebhookService } from '#domain/webhooks/service.ts'
import type { AccountView } from '#platform/database/account-view.ts'
import type PrismaTypes from '#platform/database/generated/pothos.ts'
import { getDatamodel } from '#platform/database/generated/pothos.ts'
import type { Actor } from '#platform/journal/entry.ts'
import { fieldComplexity } from './complexity.ts'

/** What every resolver has: the caller, what they may read, and the services. */
export interface Context {
  readonly caller: Caller
  /** Where the request came from, for any caller. */
  readonly request: RequestOrigin
  /** Aborts when the client disconnects before the response. */
  readonly whenLeft: () => AbortSignal
  /** The caller's remaining rate limit; undefined where nothing is counted. */
  readonly allowance?: Allowance | undefined
  /** Reads, limited to the caller's account. */
  readonly db: AccountView
  readonly access: AccessService
  readonly tasks: TaskService
  readonly schedules: ScheduleService
  readonly remoteWork: RemoteWorkService
  readonly documents: DocumentService
  readonly documentQueries: DocumentQueryService
  readonly events: EventService
  readonly audit: AuditService
  readonly quotas: QuotaService
  readonly entries: EntryService
  readonly locks: LockService
  readonly webhooks: WebhookService
  readonly salesforce: SalesforceService
  readonly environments: EnvironmentService
  readonly secrets: SecretService
}

export const builder = new SchemaBuilder<{
  Context: Context
  PrismaTypes: PrismaTypes
  DefaultFieldNullability: false
  Objects: { Actor: Actor }
  Scalars: {
    DateTime: { Input: Date; Output: Date }
    JSON: { Input: unknown; Output: unknown }
    Base64: { Input: Uint8Array; Output: Uint8Array }
    ID: { Input: string; Output: string }
  }
}>({
  defaultFieldNullability: false,
  plugins: [ErrorsPlugin, PrismaPlugin, ComplexityPlugin],
  errors: {
    directResult: true,
    defaultUnionOptions: {
      name: ({ fieldName }) => `${fieldName.charAt(0).toUpperCase()}${fieldName.slice(1)}Result`,
      description: 'The payload, or a failure that the caller can act on.',
    },
  },
  // Operations are refused before any part of them is executed, so resolvers need not check again.
  complexity: { fieldComplexity, disabled: true },
  prisma: {
    client: (context) => context.db as never,
    dmmf: getDatamodel(),
    maxConnectionSize: 200,
    defaultConnectionSize: 50,
    onUnusedQuery: null,
  },
})

/** Marks a field that anonymous callers may use, such as those for signing in. */
export const isPublic = { extensions: { isPublic: true } } as const

builder.queryType({ description: 'Reads. Everything is limited to the caller’s account.' })
builder.mutationType({
  description: 'Changes. Each takes one `input` and returns its payload, or a `Failure` that the caller can act on.',
})
builder.subscriptionType({
  description: 'Live updates. Every update carries a `cursor`; pass it as `after` to resume there, on any stream.',
})
