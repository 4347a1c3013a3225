import { defineConfig } from 'vitest/config'
import { bundledEntries } from './support/bundled-entries.ts'
import { SlowFirst } from './support/slow-first.ts'

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  plugins: [bundledEntries],
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    // graphql 17 chooses its files by the `development` condition; loaded from two sides it would be two libraries.
    server: { deps: { inline: [/@pothos/, /graphql/] } },
    // The tests' identity provider says that it is not for production.
    onConsoleLog: (log: string) => !log.includes('oidc-provider'),
    maxWorkers: 2,
    sequence: { sequencer: SlowFirst },
    // Loading the server and its libraries for each file costs more than half of what the files do; no file replaces a
    // module or leaves anything behind in one.
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: process.env['CI'] ? ['default'] : ['dot'],
  },
})
