import { expect, it } from 'vitest'
import { nearest } from '#lib/nearest.ts'

const words = ['task', 'task.completed', 'task.cancelled', 'status', 'type']

it.each([
  ['taks', 'task'],
  ['task.complted', 'task.completed'],
  ['task.canceled', 'task.cancelled'],
  ['Status', 'status'],
  ['tpye', 'type'],
  ['state', undefined],
  ['', undefined],
  ['x', undefined],
  ['deployment.started', undefined],
])('finds for %j what was meant: %j', (word, meant) => {
  expect(nearest(word, words)).toBe(meant)
})
