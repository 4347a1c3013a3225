// What a configuration file gets for `zod`, so that it shares the copy that the bundled program has loaded.
export * from 'zod'
export { default } from 'zod'
