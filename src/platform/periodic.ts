import type { Logger } from '#platform/telemetry/log.ts'

/** Runs `work` every `intervalMs`, one run at a time, the first after an interval; a failed run is logged and followed by the next. */
export function runPeriodically(options: {
  name: string
  intervalMs: number
  log: Logger
  work: () => Promise<void>
}): {
  stop(): Promise<void>
} {
  let running: Promise<void> | undefined
  const run = async () => {
    try {
      await options.work()
    } catch (error) {
      options.log.warn({ err: error, job: options.name }, 'a periodic job failed; it runs again later')
    } finally {
      running = undefined
    }
  }
  const timer = setInterval(() => {
    running ??= run()
  }, options.intervalMs)
  return {
    async stop() {
      clearInterval(timer)
      await running
    },
  }
}
