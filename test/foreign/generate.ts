import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery, printSchema } from 'graphql'
import { build } from 'vite'
import { graphqlData } from '#test/support/graphql.ts'
import type { TestServer } from '#test/support/server.ts'

const here = import.meta.dirname
const root = join(here, '../..')
const require = createRequire(import.meta.url)

/** Runs a program with Node, in a folder; its output is in the error when it fails. */
export async function runNode(folder: string, args: readonly string[], env: Record<string, string> = {}) {
  const options = { cwd: folder, env: { PATH: process.env['PATH'], ...env }, maxBuffer: 16 * 1024 * 1024 }
  try {
    return (await promisify(execFile)(process.execPath, [...args], options)).stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    throw new Error(`node ${args.join(' ')} failed:\n${stdout ?? ''}\n${stderr ?? ''}`, { cause: error })
  }
}

/** The file of a package's command. */
async function commandOf(name: string, command = name): Promise<string> {
  const folder = join(root, 'node_modules', name)
  const { bin } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    bin: string | Record<string, string>
  }
  return join(folder, typeof bin === 'string' ? bin : (bin[command] ?? ''))
}

/**
 * Makes a project of its own in the folder: the programs of `clients/`, and the types that each client's own generator
 * makes of what the server says of itself.
 */
export async function makeProject(server: TestServer, folder: string): Promise<void> {
  await cp(join(here, 'clients'), folder, { recursive: true })
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  await mkdir(join(folder, 'generated'))
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  const openapi = await fetch(`${server.url}/api/openapi.json`)
  await writeFile(join(folder, 'openapi.json'), await openapi.text())
  const introspection = await graphqlData<IntrospectionQuery & Record<string, unknown>>(
    server,
    getIntrospectionQuery({ inputValueDeprecation: true, oneOf: true }),
  )
  await writeFile(join(folder, 'schema.graphql'), printSchema(buildClientSchema(introspection)))
  await Promise.all([typedDocuments(folder), openapiTypescript(folder), heyApi(folder), relay(folder)])
}

/** For Apollo Client, urql, graphql-request, graphql-ws and graphql-sse. */
async function typedDocuments(folder: string): Promise<void> {
  const config = {
    schema: 'schema.graphql',
    documents: '*.ts',
    generates: {
      'generated/graphql/': {
        preset: 'client',
        presetConfig: { fragmentMasking: false },
        config: {
          importExtension: '.ts',
          useTypeImports: true,
          enumsAsTypes: true,
          scalars: { DateTime: 'string', JSON: 'unknown', Base64: 'string' },
        },
      },
    },
  }
  await writeFile(join(folder, 'codegen.json'), JSON.stringify(config))
  const command = await commandOf('@graphql-codegen/cli', 'graphql-codegen')
  await runNode(folder, [command, '--config', 'codegen.json', '--silent'])
}

/** For programs that need TypeScript's JavaScript API, and for those that they start. */
const withTypescriptApi = { NODE_OPTIONS: `--import=${pathToFileURL(join(here, 'typescript-api.ts')).href}` }

async function openapiTypescript(folder: string): Promise<void> {
  const command = await commandOf('openapi-typescript')
  await runNode(folder, [command, 'openapi.json', '--output', 'generated/openapi.ts'], withTypescriptApi)
}

async function heyApi(folder: string): Promise<void> {
  const config = {
    input: 'openapi.json',
    output: { path: 'generated/hey-api', module: { extension: '.ts' } },
    plugins: ['@hey-api/client-fetch'],
    logs: { level: 'error', file: false },
  }
  await writeFile(join(folder, 'openapi-ts.config.mjs'), `export default ${JSON.stringify(config)}\n`)
  const command = await commandOf('@hey-api/openapi-ts', 'openapi-ts')
  await runNode(folder, [command, '--file', 'openapi-ts.config.mjs'], withTypescriptApi)
}

async function relay(folder: string): Promise<void> {
  const config = {
    src: 'relay',
    schema: 'schema.graphql',
    language: 'typescript',
    artifactDirectory: 'generated/relay',
    eagerEsModules: true,
    customScalarTypes: { DateTime: 'string', JSON: 'unknown', Base64: 'string' },
  }
  await mkdir(join(folder, 'generated/relay'))
  await writeFile(join(folder, 'relay.config.json'), JSON.stringify(config))
  const command = join(dirname(require.resolve('relay-compiler/package.json')), 'cli.js')
  await runNode(folder, [command, '--noWatchman', 'relay.config.json'])
  // What it generates imports files without their endings, so it needs a bundler.
  await build({
    root: folder,
    configFile: false,
    logLevel: 'error',
    build: { ssr: 'relay.ts', outDir: 'built', emptyOutDir: true, target: 'node24' },
  })
}
