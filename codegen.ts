import type { CodegenConfig } from '@graphql-codegen/cli'

/** Typed documents for those who speak to the API: the client with the command line on top of it, the console, and the REST bridge. */
const config: CodegenConfig = {
  schema: 'schema/schema.graphql',
  generates: {
    './src/client/generated/': { documents: 'src/client/operations/*.graphql', ...typedDocuments() },
    './src/console/generated/': { documents: 'src/console/operations/*.graphql', ...typedDocuments() },
    './src/transport/rest/generated/': { documents: 'src/transport/rest/operations/*.graphql', ...typedDocuments() },
  },
}

function typedDocuments() {
  return {
    preset: 'client' as const,
    presetConfig: { fragmentMasking: false },
    config: {
      importExtension: '.ts',
      useTypeImports: true,
      enumsAsTypes: true,
      skipTypename: true,
      scalars: { DateTime: 'string', JSON: 'unknown', Base64: 'string' },
    },
  }
}

export default config
