import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

// In a place that only root can write to: code that others could replace must not run as root. Other users have theirs
// in the directory for temporary files.
const rootsCache = fileURLToPath(new URL('../node_modules/.cache/signalbox', import.meta.url))
enableCompileCache(process.getuid?.() === 0 ? rootsCache : undefined)
