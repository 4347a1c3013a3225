/** A table in Markdown; `|` within a cell is escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.map(escapeCell).join(' | ')} |`).join('\n')
}

export function code(text: string): string {
  return `\`${text}\``
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

/**
 * The text of a page with the content of its generated regions replaced. A region begins with a comment such as
 * `<!-- generated: scopes -->` and ends with `<!-- end of generated -->`.
 * @throws {Error} for a region that nothing generates
 */
export function fillRegions(page: string, contents: Readonly<Record<string, () => string>>): string {
  return page.replaceAll(
    /(<!-- generated: ([a-z-]+) -->\n)[\s\S]*?(<!-- end of generated -->)/g,
    (_whole, begin: string, name: string, end: string) => {
      const content = contents[name]
      if (content === undefined) throw new Error(`Nothing generates the region "${name}".`)
      return `${begin}\n${content()}\n\n${end}`
    },
  )
}
