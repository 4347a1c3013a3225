export { type ExportedEntry, faultOfExported } from './audit-chain.ts'
// Everything that browsers can use too; the rest needs Node's cryptography.
export * from './browser.ts'
export { type VerifiedWebhook, type VerifyWebhookOptions, verifyWebhook } from './verify-webhook.ts'
export { type WorkOptions, work } from './work/work.ts'
export {
  type WorkContext,
  type WorkerType,
  WorkFailure,
  type WorkFailureDetails,
  type WorkHandler,
} from './work/worker-type.ts'
