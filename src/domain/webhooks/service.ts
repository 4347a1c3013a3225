import type { Caller } from '#domain/access/service.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import type { Journal } from '#platform/journal/journal.ts'
import type { Queue } from '#platform/queue/queue.ts'
import { accountStateTypes, changingTypes } from './events.ts'
import { redacted } from './redaction.ts'
import { createRedelivery } from './redelivery.ts'
import { createRotateSecret, type RotateSecretDeps } from './rotate-secret.ts'
import type { SightOf } from './sight.ts'
import { readBacklog } from './store/backlog.ts'
import { createTestWebhook, type TestWebhookDeps } from './test-webhook.ts'
import { createTriggerEvent, type TriggerEventDeps } from './trigger-event.ts'
import { followDeliveries } from './updates.ts'
import type { WebhookMaker } from './webhook.ts'
import { createWebhookCommands, type WebhookCommandsDeps } from './webhook-commands.ts'

export interface WebhookServiceDeps extends WebhookCommandsDeps, RotateSecretDeps, TestWebhookDeps, TriggerEventDeps {
  readonly queue: Pick<Queue, 'send'>
  readonly journal: Journal
  readonly quotas: WebhookCommandsDeps['quotas'] & TriggerEventDeps['quotas']
  /** Whether a caller may know what an event is about. */
  readonly mayNameSubject: (caller: Caller, event: Pick<JournalEntry, 'type' | 'subject'>) => boolean
}

/** Everything that can be done with webhooks; the only way in for callers. */
export type WebhookService = ReturnType<typeof createWebhookService>

export function createWebhookService(deps: WebhookServiceDeps) {
  const { sql, sightOf } = deps
  return {
    ...createWebhookCommands(deps),
    rotateSecret: createRotateSecret(deps),
    test: createTestWebhook(deps),
    trigger: createTriggerEvent(deps),
    redeliver: createRedelivery(deps),
    /** The maker of a webhook, and which scopes it has of theirs now. */
    async makerOf(webhook: Parameters<SightOf>[1]): Promise<Pick<WebhookMaker, 'actor' | 'scopes'>> {
      const { maker } = await sightOf(sql, webhook)
      return { actor: maker.actor, scopes: maker.scopes }
    },
    /** What a delivery's event is about, as far as the caller may know: its kind alone otherwise. */
    shownSubject(caller: Caller, type: string, subject: string): string {
      if (deps.mayNameSubject(caller, { type, subject })) return subject
      return `${subject.slice(0, subject.indexOf(':'))}:${redacted}`
    },
    /** Selects deliveries by subject; those whose subject is not shown to the caller are not found by it either. */
    subjectCondition(caller: Caller, subject: string) {
      const isNamed = deps.mayNameSubject(caller, { type: 'auth.*', subject })
      return {
        subject: isNamed ? subject : this.shownSubject(caller, '', subject),
        ...(!isNamed && { NOT: { eventType: { startsWith: 'auth.' } } }),
      }
    },
    /** @see followDeliveries */
    async updates(caller: Caller, webhookId: string | undefined, after: string | undefined) {
      caller.must('webhooks:admin')
      return followDeliveries(deps.journal, caller.accountId, webhookId, after)
    },
    /** What waits and is under way in all accounts, for those who watch over the installation. */
    backlog: () => readBacklog(sql),
    /** To be called with each entry of the journal: webhooks that have changed, or their account, are read again. */
    onJournalEntry({ accountId, type }: Pick<JournalEntry, 'accountId' | 'type'>): void {
      if (changingTypes.has(type) || accountStateTypes.has(type)) deps.endpoints.forget(accountId)
    },
  }
}
