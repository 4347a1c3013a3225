import { describe, expect, it } from 'vitest'
import { type InvalidInput, invalidInput, invalidItem, invalidValue, withIssues } from '#lib/errors.ts'

const facts = ({ summary, issues, message }: InvalidInput) => ({ summary, issues, message })

describe('a refused input', () => {
  const url = { path: 'url', message: 'must be https' }

  it('has a sentence of its summary and its issues', () => {
    expect(facts(invalidInput('The webhook', [url, { path: '', message: 'is too large.' }]))).toEqual({
      summary: 'The webhook is not valid.',
      issues: [url, { path: '', message: 'is too large.' }],
      message: 'The webhook is not valid. url: must be https; is too large.',
    })
    expect(withIssues('Give one of both.', [])).toBe('Give one of both.')
  })

  it('has a sentence of its own for a single value', () => {
    expect(facts(invalidValue('The URL', 'url', 'must be https'))).toEqual({
      summary: 'The URL is not valid.',
      issues: [url],
      message: 'The URL must be https.',
    })
  })

  it('has its paths below the item of a list', () => {
    const whole = { path: '', message: 'is too large' }
    expect(facts(invalidItem('Webhook 3', 'webhooks.3', invalidInput('The webhook', [url, whole])))).toEqual({
      summary: 'Webhook 3: The webhook is not valid.',
      issues: [
        { path: 'webhooks.3.url', message: 'must be https' },
        { path: 'webhooks.3', message: 'is too large' },
      ],
      message: 'Webhook 3: The webhook is not valid. webhooks.3.url: must be https; webhooks.3: is too large.',
    })
  })
})
