import { readTopic } from '#docs/topics.ts'

/** The first block of code in a topic of the documentation that contains a text. */
export function topicExample(topic: string, text: string): string {
  const blocks = [...(readTopic(topic) ?? '').matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
  const block = blocks.find((one) => one.includes(text))
  if (block === undefined) throw new Error(`The topic ${topic} has no block of code with "${text}".`)
  return block
}
