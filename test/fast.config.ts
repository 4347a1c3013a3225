import { defineConfig } from 'vitest/config'
import { fastFiles } from './support/fast-files.ts'
import config from './vitest.config.ts'

const root = new URL('..', import.meta.url).pathname

export default defineConfig({ ...config, test: { ...config.test, include: fastFiles(root) } })
