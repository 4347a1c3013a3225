import { readFileSync } from 'node:fs'

/** The topics of the documentation, in the order in which they are listed. */
const groups = [
  { title: 'Start', names: ['quickstart'] },
  {
    title: 'Use',
    names: [
      'tasks',
      'durable-tasks',
      'schedules',
      'workers',
      'documents',
      'entries-and-locks',
      'webhooks',
      'salesforce',
      'events',
      'subscriptions',
    ],
  },
  { title: 'Interfaces', names: ['console', 'rest', 'client', 'react', 'command-line', 'errors'] },
  { title: 'Administer', names: ['access', 'audit', 'limits'] },
  { title: 'Operate', names: ['operations', 'environment', 'metrics'] },
  { title: 'Develop', names: ['architecture', 'contributing'] },
] as const

interface Topic {
  /** As in `/docs/<name>` and `signalbox help <name>`. */
  readonly name: string
  readonly title: string
  /** What it is about, in a sentence. */
  readonly summary: string
}

export interface TopicGroup {
  readonly title: string
  readonly topics: readonly Topic[]
}

/** The Markdown of a topic; undefined for any other name. */
export function readTopic(name: string): string | undefined {
  if (!isTopic(name)) return undefined
  return readFileSync(new URL(`./${name}.md`, import.meta.url), 'utf8')
}

/** Whether there is a topic of this name. */
export function isTopic(name: string): boolean {
  return groups.some(({ names }) => (names as readonly string[]).includes(name))
}

/** Where a heading of a topic can be linked to: as GitHub has it. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-')
}

/** All topics, with the titles and the first sentences of their files. */
export function listTopics(): readonly TopicGroup[] {
  return groups.map(({ title, names }) => ({ title, topics: names.map(topicOf) }))
}

function topicOf(name: string): Topic {
  const [, title = name, summary = ''] = /^# (.+)\n\n(.+)\n/.exec(readTopic(name) ?? '') ?? []
  return { name, title, summary }
}
