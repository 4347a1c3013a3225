import { type DocumentNode, GraphQLError, type ParseOptions, parse } from 'graphql'
import { type DocumentLimits, maxTextNesting, nestedTooDeep, tooManyTokens } from './document-limits.ts'
import { isTextNestedBeyond } from './text-nesting.ts'

/** Tokens in the text of an anonymous caller: signing in takes few. */
const anonymousTokens = 1_000

/** What graphql says when a text has too many tokens, or comments, which are none. */
const tooManyText = /^Syntax Error: Document contains more than \d+ (tokens|comments)/

/** Makes the parser of texts that are neither too long, nor nested too deeply for it; others are too complex. */
export function createLimitedParse(limits: Pick<DocumentLimits, 'depth' | 'tokens'>) {
  const nesting = maxTextNesting(limits)
  return (
    source: string,
    { isAnonymous = false, ...options }: ParseOptions & { readonly isAnonymous?: boolean } = {},
    parseFn: typeof parse = parse,
  ): DocumentNode => {
    const maxTokens = isAnonymous ? Math.min(anonymousTokens, limits.tokens) : limits.tokens
    if (isTextNestedBeyond(source, nesting, maxTokens)) throw nestedTooDeep(nesting)
    try {
      return parseFn(source, { ...options, maxTokens, maxComments: maxTokens })
    } catch (error) {
      if (!(error instanceof GraphQLError) || !tooManyText.test(error.message)) throw error
      throw tooManyTokens(maxTokens)
    }
  }
}
