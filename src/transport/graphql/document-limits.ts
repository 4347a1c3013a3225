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

/** How large the text of a query may be in each direction. */
export interface DocumentLimits {
  readonly depth: number
  /** Of the text: names, numbers, texts and punctuation marks. */
  readonly tokens: number
  readonly aliases: number
  /** Fields that are asked for again in the same selection. */
  readonly repeats: number
  readonly directives: number
}

type Counted = 'depth' | 'aliases' | 'repeats' | 'directives'
type Size = Record<Counted, number>

/** Which documents were found to be small enough; documents that are asked for again are the same object. */
export type DocumentCheck = (document: DocumentNode) => GraphQLError | undefined

/**
 * Makes the check that comes before validation, whose rules take time that grows with the square of some of these sizes.
 * What a fragment holds counts wherever it is spread.
 */
export function createDocumentCheck(limits: DocumentLimits): DocumentCheck {
  const passed = new WeakSet<DocumentNode>()
  return (document) => {
    if (passed.has(document)) return undefined
    const size = sizeOf(document)
    for (const [name, text] of Object.entries(texts) as [Counted, (size: number) => string][])
      if (size[name] > limits[name]) return tooComplex(text(size[name]), `at most ${limits[name]} are allowed`)
    passed.add(document)
    return undefined
  }
}

/** A refusal of the operation as a whole. */
export function tooComplex(found: string, limit: string): GraphQLError {
  const originalError = new TooComplex(found, limit)
  return new GraphQLError(originalError.message, { originalError })
}

const texts: Readonly<Record<Counted, (size: number) => string>> = {
  depth: (size) => `is ${size} levels deep`,
  aliases: (size) => `has ${size} aliases`,
  repeats: (size) => `asks for fields again ${size} times in the same selection`,
  directives: (size) => `has ${size} directives`,
}

function sizeOf(document: DocumentNode): Size {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  const measure = createMeasure(fragments)
  const total = emptySize()
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue
    add(total, measure(definition.selectionSet))
    total.directives += directivesOf(definition)
    for (const variable of definition.variableDefinitions ?? []) total.directives += directivesOf(variable)
  }
  return total
}

/** Measures selections, each fragment once however often it is spread. */
function createMeasure(fragments: ReadonlyMap<string, FragmentDefinitionNode>) {
  const measured = new Map<string, Size>()

  function measure(selections: SelectionSetNode): Size {
    const size = emptySize()
    const names = new Set<string>()
    for (const selection of selections.selections) {
      const name = nameOf(selection)
      if (name !== undefined && names.size === names.add(name).size) size.repeats += 1
      size.directives += directivesOf(selection)
      add(size, inside(selection))
    }
    return size
  }

  function inside(selection: SelectionNode): Size {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return ofFragment(selection.name.value)
    if (selection.kind === Kind.INLINE_FRAGMENT) return measure(selection.selectionSet)
    const size = selection.selectionSet === undefined ? emptySize() : measure(selection.selectionSet)
    size.depth += 1
    if (selection.alias !== undefined) size.aliases += 1
    return size
  }

  function ofFragment(name: string): Size {
    const known = measured.get(name)
    if (known !== undefined) return known
    // A fragment within itself is what validation refuses.
    measured.set(name, emptySize())
    const fragment = fragments.get(name)
    const size = fragment === undefined ? emptySize() : measure(fragment.selectionSet)
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
  total.depth = Math.max(total.depth, more.depth)
  total.aliases += more.aliases
  total.repeats += more.repeats
  total.directives += more.directives
}

function emptySize(): Size {
  return { depth: 0, aliases: 0, repeats: 0, directives: 0 }
}
