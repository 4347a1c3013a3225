import { hostAttempt } from './hosted-attempt.ts'

await hostAttempt()
