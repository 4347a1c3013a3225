import { hostAttempt } from '#domain/tasks/runner/hosted-attempt.ts'
import { loadHostedTaskTypes } from './task-types.ts'

await hostAttempt(loadHostedTaskTypes)
