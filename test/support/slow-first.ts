import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Directories of files that start processes and wait for them. The first, which needs the most processor time, is alone. */
const slow = ['hostile', 'process', 'failover', 'cli', 'faults', 'rights', 'foreign', 'bundle']

/** Begins with what takes longest, so that no worker is left with a long file at the end; the rest by size. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}

function rank({ moduleId }: TestSpecification): number {
  const place = slow.findIndex((directory) => moduleId.includes(`/test/${directory}/`))
  return place === -1 ? slow.length : place
}
