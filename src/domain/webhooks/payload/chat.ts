import { isRecord } from '#lib/json.ts'
import { json, type Message, type Payload } from './payload.ts'

const longestText = 1_500
const mostFacts = 8

/** A message for a Slack incoming webhook. */
export function slack(message: Message): Payload {
  const { title, facts } = summary(message)
  const text = escaped(title)
  const fields = facts.map(([name, value]) => ({ type: 'mrkdwn', text: `*${escaped(name)}*\n${escaped(value)}` }))
  return json({
    text,
    blocks: [
      { type: 'section', text: { type: 'mrkdwn', text: `*${text}*` } },
      ...(fields.length > 0 ? [{ type: 'section', fields }] : []),
      { type: 'context', elements: [{ type: 'mrkdwn', text: escaped(origin(message)) }] },
    ],
  })
}

/** What Slack reads as marks of its own. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** An adaptive card for a Microsoft Teams workflow webhook. */
export function teams(message: Message): Payload {
  const { title, facts } = summary(message)
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      { type: 'TextBlock', size: 'Medium', weight: 'Bolder', wrap: true, text: title },
      { type: 'FactSet', facts: facts.map(([name, value]) => ({ title: name, value })) },
      { type: 'TextBlock', isSubtle: true, wrap: true, text: origin(message) },
    ],
  }
  return json({ type: 'message', attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content }] })
}

/** A message for a Discord webhook; nobody is mentioned by what it says. */
export function discord(message: Message): Payload {
  const { title, facts } = summary(message)
  const { event } = message
  return json({
    allowed_mentions: { parse: [] },
    embeds: [
      {
        title: title.slice(0, 256),
        timestamp: event.at.toISOString(),
        fields: facts.map(([name, value]) => ({
          name: name.slice(0, 256),
          value: value.slice(0, 1_024),
          inline: true,
        })),
        footer: { text: origin(message).slice(0, 2_048) },
      },
    ],
  })
}

function summary({ event, data }: Message): { title: string; facts: [name: string, value: string][] } {
  const facts = isRecord(data) ? Object.entries(data) : []
  return {
    title: `${event.type}: ${event.subject}`,
    facts: facts
      .filter(([, value]) => value !== null && value !== undefined && !isEmpty(value))
      .slice(0, mostFacts)
      .map(([name, value]) => [name, textOf(value)]),
  }
}

function isEmpty(value: unknown): boolean {
  return value === '' || (typeof value === 'object' && Object.keys(value as object).length === 0)
}

function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text
}

function origin({ event, webhookName }: Message): string {
  return `${event.actor.name}, ${event.at.toISOString()}, ${webhookName}`
}
