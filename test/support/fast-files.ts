import { globSync, readFileSync } from 'node:fs'

/** What starts a server, a database or another program of the file's own. */
const slowCall =
  /(?<![.\w])(start\w*|spawn\w*|fork|exec\w*|hold\w*|inject|open(Runner|Journal|Stack)|create(TestDatabase|Cluster|ServerPair|DatabaseBefore)|run(Process|Hostile|Faults|Failovers?|Forced\w*)|promisify)\(/

/** Files of pure rules, of the schema, and those for which the one shared server is enough: what `npm run test:fast` runs. */
export function fastFiles(root: string): string[] {
  return globSync('test/**/*.test.ts', { cwd: root }).filter(
    (file) => !slowCall.test(readFileSync(`${root}/${file}`, 'utf8')),
  )
}
