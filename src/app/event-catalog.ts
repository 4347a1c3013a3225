import { authEventCatalog } from '#domain/access/event-types.ts'
import { quietAuthEventTypes } from '#domain/access/events.ts'
import { documentEventCatalog } from '#domain/documents/event-types.ts'
import { entryEventCatalog } from '#domain/entries/event-types.ts'
import { environmentEventCatalog } from '#domain/environments/event-types.ts'
import { EventCatalog } from '#domain/events/catalog.ts'
import { hookEventCatalog } from '#domain/hooks/event-types.ts'
import { quietHookEventTypes } from '#domain/hooks/events.ts'
import { lockEventCatalog } from '#domain/locks/event-types.ts'
import { quietLockEventTypes } from '#domain/locks/events.ts'
import { salesforceEventCatalog } from '#domain/salesforce/event-types.ts'
import { quietSalesforceEventTypes } from '#domain/salesforce/events.ts'
import { secretEventCatalog } from '#domain/secrets/event-types.ts'
import { quietSecretEventTypes } from '#domain/secrets/events.ts'
import { taskEventCatalog } from '#domain/tasks/event-types.ts'
import { quietEventTypes } from '#domain/tasks/events.ts'
import { workerEventCatalog } from '#domain/tasks/remote/worker-events.ts'
import { scheduleEventCatalog } from '#domain/tasks/schedules/event-types.ts'
import { webhookEventCatalog } from '#domain/webhooks/event-types.ts'
import { quietWebhookEventTypes } from '#domain/webhooks/events.ts'

/** The types of events of all domains. */
export const eventCatalog = new EventCatalog({
  families: [
    taskEventCatalog,
    scheduleEventCatalog,
    workerEventCatalog,
    documentEventCatalog,
    entryEventCatalog,
    lockEventCatalog,
    webhookEventCatalog,
    hookEventCatalog,
    salesforceEventCatalog,
    environmentEventCatalog,
    secretEventCatalog,
    authEventCatalog,
  ],
  frequent: [
    ...quietEventTypes,
    ...quietAuthEventTypes,
    ...quietHookEventTypes,
    ...quietWebhookEventTypes,
    ...quietLockEventTypes,
    ...quietSalesforceEventTypes,
    ...quietSecretEventTypes,
  ],
})
