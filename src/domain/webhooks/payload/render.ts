import type { WebhookFormat } from '#domain/webhooks/webhook.ts'
import { discord, slack, teams } from './chat.ts'
import { binary, structured } from './cloudevents.ts'
import { factsOf } from './envelope.ts'
import { json, type Message, type Payload } from './payload.ts'

/** What a message looks like in each format that needs nobody else's answer. */
const renderers: Readonly<Record<Exclude<WebhookFormat, 'GRAPHQL'>, (message: Message) => Payload>> = {
  // Standard Webhooks, "Payload structure".
  STANDARD: ({ event, data }) => json({ type: event.type, timestamp: event.at.toISOString(), ...factsOf(event), data }),
  CLOUDEVENTS_STRUCTURED: structured,
  CLOUDEVENTS_BINARY: binary,
  DOCUMENTED: ({ event, data }) =>
    json({ event: event.type, timestamp: event.at.toISOString(), ...factsOf(event), data }),
  SLACK: slack,
  TEAMS: teams,
  DISCORD: discord,
}

export function render(format: Exclude<WebhookFormat, 'GRAPHQL'>, message: Message): Payload {
  return renderers[format](message)
}
