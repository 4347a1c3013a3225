import { isRecord } from '#lib/json.ts'
import { fitText } from './fitting-text.ts'
import { json, type Message, type Payload } from './payload.ts'

/** How long the text of a fact may be at first; it is halved until the whole message is within its service's limits. */
const startText = 1_500
const maxName = 200
const maxFacts = 8

/** Of a message for Slack, in characters after escaping: a field, and the text of a block or an element. */
const slackLimits = { field: 2_000, text: 2_900 } as const

/** A message for a Slack incoming webhook. */
export function slack(message: Message): Payload {
  const { title, facts } = summary(message, startText)
  const text = fitText(title, slackLimits.text, escaped)
  const fields = facts.map(([name, value]) => ({ type: 'mrkdwn', text: slackField(name, value) }))
  return json({
    text,
    blocks: [
      { type: 'section', text: { type: 'mrkdwn', text: `*${text}*` } },
      ...(fields.length > 0 ? [{ type: 'section', fields }] : []),
      { type: 'context', elements: [{ type: 'mrkdwn', text: fitText(origin(message), slackLimits.text, escaped) }] },
    ],
  })
}

function slackField(name: string, value: string): string {
  const head = `*${fitText(name, slackLimits.field / 2, escaped)}*\n`
  return head + fitText(value, slackLimits.field - head.length, escaped)
}

/** Escapes what Slack reads as marks of its own. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** Teams refuses messages of more than 28 KB. */
const teamsBytes = 28_000

/** An adaptive card for a Microsoft Teams workflow webhook. */
export function teams(message: Message): Payload {
  const render = (maxText: number) => {
    const { title, facts } = summary(message, maxText)
    const content = {
      $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
      type: 'AdaptiveCard',
      version: '1.4',
      body: [
        { type: 'TextBlock', size: 'Medium', weight: 'Bolder', wrap: true, text: fitText(title, maxText) },
        { type: 'FactSet', facts: facts.map(([name, value]) => ({ title: name, value })) },
        { type: 'TextBlock', isSubtle: true, wrap: true, text: fitText(origin(message), maxText) },
      ],
    }
    return json({ type: 'message', attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content }] })
  }
  return fitting(render, ({ body }) => Buffer.byteLength(body) <= teamsBytes)
}

/** Of an embed for Discord, in characters; `sum`: of all its texts together. */
const discordLimits = { title: 256, name: 256, value: 1_024, footer: 2_048, sum: 6_000 } as const

/** A message for a Discord webhook; nobody is mentioned by what it says. */
export function discord(message: Message): Payload {
  const render = (maxText: number) => {
    const { title, facts } = summary(message, Math.min(maxText, discordLimits.value))
    return {
      title: fitText(title, discordLimits.title),
      timestamp: message.event.at.toISOString(),
      fields: facts.map(([name, value]) => ({ name: fitText(name, discordLimits.name), value, inline: true })),
      footer: { text: fitText(origin(message), Math.min(maxText, discordLimits.footer)) },
    }
  }
  const embed = fitting(render, ({ title, fields, footer }) => {
    const texts = [title, footer.text, ...fields.flatMap(({ name, value }) => [name, value])]
    return texts.reduce((sum, text) => sum + text.length, 0) <= discordLimits.sum
  })
  return json({ allowed_mentions: { parse: [] }, embeds: [embed] })
}

/** What comes of the longest texts with which it fits; the shortest fit everywhere. */
function fitting<Rendered>(render: (maxText: number) => Rendered, fits: (rendered: Rendered) => boolean): Rendered {
  for (let maxText = startText; ; maxText = Math.floor(maxText / 2)) {
    const rendered = render(maxText)
    if (maxText < minText || fits(rendered)) return rendered
  }
}

const minText = 100

function summary({ event, data }: Message, maxText: number): { title: string; facts: [name: string, value: string][] } {
  const facts = isRecord(data) ? Object.entries(data) : []
  return {
    title: `${event.type}: ${event.subject}`,
    facts: facts
      .filter(([name, value]) => name.trim() !== '' && !isEmpty(value))
      .slice(0, maxFacts)
      .map(([name, value]) => [fitText(name, Math.min(maxName, maxText)), fitText(textOf(value), maxText)]),
  }
}

/** Blank texts are refused by some services. */
function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined) return true
  if (typeof value === 'string') return value.trim() === ''
  return typeof value === 'object' && Object.keys(value).length === 0
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function origin({ event, webhookName }: Message): string {
  return `${event.actor.name}, ${event.at.toISOString()}, ${webhookName}`
}
