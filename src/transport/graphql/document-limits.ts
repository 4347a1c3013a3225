import {
  type DirectiveNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql'
import { TooComplex } from '#domain/limits/errors.ts'
import { maxJsonDepth } from '#lib/json-depth.ts'

/** How large the text of a query may be in each direction. */
export interface DocumentLimits {
  readonly depth: number
  /** Of the text: names, numbers, strings and punctuation marks. */
  readonly tokens: number
  /** Fields, inline fragments and spreads, with the content of a fragment counted wherever it is spread. */
  readonly fields: number
  /** Definitions of fragments; validation compares each with each. */
  readonly fragments: number
  readonly aliases: number
  /** Fields that are asked for again in the same selection. */
  readonly repeats: number
  readonly directives: number
}

type Counted = 'fields' | 'depth' | 'aliases' | 'repeats' | 'directives'
/** `nesting`: levels of selections, those of fragments included. */
type Size = Record<Counted | 'nesting', number>

/** Which documents were found to be small enough; documents that are asked for again are the same object. */
export type DocumentCheck = (document: DocumentNode) => GraphQLError | undefined

/** What stands around a value that may be nested as deep as JSON may be: an argument, its input object, a list. */
const surroundingLevels = 20

/** How deep the brackets of a query's text may be nested. */
export function maxTextNesting({ depth }: Pick<DocumentLimits, 'depth'>): number {
  return depth + maxJsonDepth + surroundingLevels
}

/**
 * Makes the check that comes before validation and everything else that walks a document: their work grows with these
 * sizes, or with the square of some of them. What a fragment holds counts wherever it is spread, and is read once.
 */
export function createDocumentCheck(limits: DocumentLimits): DocumentCheck {
  const passed = new WeakSet<DocumentNode>()
  const nesting = maxTextNesting(limits)
  return (document) => {
    if (passed.has(document)) return undefined
    const fragments = fragmentsOf(document)
    if (fragments.size > limits.fragments)
      return tooComplex(`has ${fragments.size} fragments`, `at most ${limits.fragments} are allowed`)
    const size = sizeOf(document, fragments, nesting)
    if (size.nesting > nesting) return nestedTooDeep(nesting)
    for (const [name, text] of Object.entries(texts) as [Counted, (size: string) => string][])
      if (size[name] > limits[name]) return tooComplex(text(shown(size[name])), `at most ${limits[name]} are allowed`)
    passed.add(document)
    return undefined
  }
}

/** A refusal of the operation as a whole. */
function tooComplex(found: string, limit: string): GraphQLError {
  return asGraphqlError(new TooComplex(found, limit))
}

class TooManyTokens extends TooComplex {}

/** Refuses a text with more tokens than this caller may send. */
export function tooManyTokens(limit: number): GraphQLError {
  return asGraphqlError(new TooManyTokens(`has more than ${limit} tokens`, `at most ${limit} are allowed`))
}

/** Whether the same text of another caller may be fine. */
export function dependsOnCaller(error: Error): boolean {
  return error instanceof GraphQLError && error.originalError instanceof TooManyTokens
}

function asGraphqlError(originalError: TooComplex): GraphQLError {
  return new GraphQLError(originalError.message, { originalError })
}

/** Refuses an operation whose selections or values are nested deeper than anything here can follow. */
export function nestedTooDeep(limit: number): GraphQLError {
  return tooComplex('is nested too deeply', `at most ${limit} levels of brackets are allowed`)
}

const texts: Readonly<Record<Counted, (size: string) => string>> = {
  depth: (size) => `is ${size} levels deep`,
  aliases: (size) => `has ${size} aliases`,
  repeats: (size) => `asks for fields again ${size} times in the same selection`,
  directives: (size) => `has ${size} directives`,
  fields: (size) => `asks for ${size} fields, with those of fragments counted wherever they are spread`,
}

const maxShown = 1_000_000_000

/** Fragments that double many times come to numbers that nobody can read. */
function shown(size: number): string {
  return size > maxShown ? `more than ${maxShown}` : String(size)
}

/** The fragments of a document by their names. */
export function fragmentsOf(document: DocumentNode): Map<string, FragmentDefinitionNode> {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  return fragments
}

function sizeOf(document: DocumentNode, fragments: ReadonlyMap<string, FragmentDefinitionNode>, maxNesting: number) {
  const measure = createMeasure(fragments, maxNesting)
  const total = emptySize()
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue
    add(total, measure(definition.selectionSet, 1))
    total.directives += directivesOf(definition)
    for (const variable of definition.variableDefinitions ?? []) total.directives += directivesOf(variable)
  }
  return total
}

/** Measures selections, each fragment once however often it is spread, and down to `maxNesting` levels. */
function createMeasure(fragments: ReadonlyMap<string, FragmentDefinitionNode>, maxNesting: number) {
  const measured = new Map<string, Size>()

  function measure({ selections }: SelectionSetNode, level: number): Size {
    const size = emptySize()
    // Deeper than that it is refused, whatever else it holds.
    if (level > maxNesting) return { ...size, nesting: level }
    const names = new Set<string>()
    for (const selection of selections) {
      const name = nameOf(selection)
      if (name !== undefined && names.size === names.add(name).size) size.repeats += 1
      size.fields += 1
      size.directives += directivesOf(selection)
      add(size, inside(selection, level + 1))
    }
    size.nesting += 1
    return size
  }

  function inside(selection: SelectionNode, level: number): Size {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return ofFragment(selection.name.value, level)
    if (selection.kind === Kind.INLINE_FRAGMENT) return measure(selection.selectionSet, level)
    const size = selection.selectionSet === undefined ? emptySize() : measure(selection.selectionSet, level)
    size.depth += 1
    if (selection.alias !== undefined) size.aliases += 1
    return size
  }

  function ofFragment(name: string, level: number): Size {
    const known = measured.get(name)
    if (known !== undefined) return known
    // Validation refuses a fragment within itself.
    measured.set(name, emptySize())
    const fragment = fragments.get(name)
    const size = fragment === undefined ? emptySize() : measure(fragment.selectionSet, level)
    if (fragment !== undefined) size.directives += directivesOf(fragment)
    measured.set(name, size)
    return size
  }

  return measure
}

function nameOf(selection: SelectionNode): string | undefined {
  if (selection.kind === Kind.FIELD) return selection.alias?.value ?? selection.name.value
  return selection.kind === Kind.FRAGMENT_SPREAD ? `...${selection.name.value}` : undefined
}

function directivesOf({ directives }: { readonly directives?: readonly DirectiveNode[] | undefined }): number {
  return directives?.length ?? 0
}

function add(total: Size, more: Size): void {
  total.nesting = Math.max(total.nesting, more.nesting)
  total.depth = Math.max(total.depth, more.depth)
  total.fields += more.fields
  total.aliases += more.aliases
  total.repeats += more.repeats
  total.directives += more.directives
}

function emptySize(): Size {
  return { nesting: 0, depth: 0, fields: 0, aliases: 0, repeats: 0, directives: 0 }
}
