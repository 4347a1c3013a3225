import { hostAttempt } from '#domain/tasks/runner/hosted-attempt.ts'
import { preloadConfigModules } from '#src/project/config-modules.ts'
import { loadHostedTaskTypes } from './task-types.ts'

await hostAttempt(loadHostedTaskTypes, preloadConfigModules)
