import { Lexer, Source, TokenKind } from 'graphql'

const opening: ReadonlySet<string> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L])
const closing: ReadonlySet<string> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R])

/**
 * Whether brackets in the first `maxTokens` tokens of a query's text are nested more than `limit` levels deep. The
 * parser calls itself once for each level, so this is known before it begins. Anything that isn't a token is for the parser to report.
 */
export function isTextNestedBeyond(text: string, limit: number, maxTokens: number): boolean {
  // Nearly every query has fewer brackets than that in all.
  if (!hasMoreBrackets(text, limit)) return false
  try {
    return isLexedBeyond(new Lexer(new Source(text)), limit, maxTokens)
  } catch {
    return false
  }
}

function hasMoreBrackets(text: string, limit: number): boolean {
  let count = 0
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (character !== '{' && character !== '[' && character !== '(') continue
    count += 1
    if (count > limit) return true
  }
  return false
}

function isLexedBeyond(lexer: Lexer, limit: number, maxTokens: number): boolean {
  let depth = 0
  for (let read = 0; read < maxTokens; read += 1) {
    const { kind } = lexer.advance()
    if (kind === TokenKind.EOF) return false
    if (opening.has(kind)) depth += 1
    else if (closing.has(kind)) depth -= 1
    if (depth > limit) return true
  }
  return false
}
