import { expect, it } from 'vitest'
import { listTopics } from '#docs/topics.ts'
import { renderTopic } from '#transport/pages/docs-content.ts'

it('escapes what a page shows as code, and leaves out raw HTML', () => {
  for (const { name } of listTopics().flatMap(({ topics }) => topics)) {
    const { html = '' } = renderTopic(name, '/docs') ?? {}
    expect(html).not.toContain('<!--')
    const tags = new Set([...html.matchAll(/<(\w+)/g)].map(([, tag = '']) => tag))
    for (const tag of tags)
      expect('h1 h2 h3 p a code pre div table thead tbody tr th td ul ol li strong em'.split(' ')).toContain(tag)
  }
  expect(renderTopic('webhooks', '/docs')?.html).toContain('createServer(async (request, response) =&gt; {')
})

it('has no topic but those that are listed', () => {
  expect(renderTopic('nothing', '/docs')).toBeUndefined()
  expect(renderTopic('../docs/tasks', '/docs')).toBeUndefined()
})

it('marks cells without a value, which narrow pages leave out', () => {
  expect(renderTopic('metrics', '/docs')?.html).toContain('<td data-title="labels" class="none">—</td>')
})
