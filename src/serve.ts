import { createLog } from '#platform/telemetry/log.ts'
import { startApp } from './app.ts'
import { readConfig } from './config.ts'

export async function run() {
  const config = readConfig(process.env, { workingDirectory: process.cwd(), isTerminal: process.stdout.isTTY })
  const log = createLog({ level: config.logLevel, format: config.logFormat })
  const app = await startApp(config, {
    log,
    onFatal: (e) => {
      throw e
    },
  })
  console.log(app)
  process.once('SIGTERM', () => void app.stop())
  process.once('SIGINT', () => void app.stop())
}
