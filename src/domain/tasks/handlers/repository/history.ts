import { readLines } from '#domain/tasks/runner/line-splitter.ts'
import type { Git } from './git.ts'

export interface History {
  readonly commits: number
  /** Commits without a readable date up to the year 9999; they count for no month. */
  readonly undatedCommits: number
  readonly firstCommitAt: string | null
  readonly lastCommitAt: string | null
  /** Oldest first, months in UTC. */
  readonly byMonth: readonly { readonly month: string; readonly commits: number }[]
  /** Most commits first. One a person by e-mail address, which itself is not told. */
  readonly contributors: readonly { readonly name: string; readonly commits: number }[]
}

/** Counts the commits that lead to `commit`: by month (when they were committed) and by author. */
export async function countHistory(git: Git, commit: string, onProgress: (fraction: number) => void): Promise<History> {
  const total = Number(await git.text(['rev-list', '--count', commit]))
  const tally = new Tally()
  // The author names and addresses as the repository's own .mailmap corrects them.
  const format = '--format=%ct%x00%aE%x00%aN'
  const log = git.start(['log', format, '--no-show-signature', commit], {
    settings: [`mailmap.blob=${commit}:.mailmap`],
  })
  log.stdin.end()
  const line = (text: string) => {
    tally.add(text)
    onProgress(tally.commits / total)
  }
  await Promise.all([readLines(log.stdout, { line }, { maxBytes: 8_192 }), log.done])
  return tally.result()
}

const lastSecond = Date.parse('9999-12-31T23:59:59Z') / 1000

/** A commit may carry any number as its date, or none. */
function moment(seconds: string): number | undefined {
  return /^\d+$/.test(seconds) && Number(seconds) <= lastSecond ? Number(seconds) * 1000 : undefined
}

class Tally {
  readonly #months = new Map<string, number>()
  readonly #people = new Map<string, { name: string; commits: number }>()
  #first = Number.POSITIVE_INFINITY
  #last = Number.NEGATIVE_INFINITY
  #undated = 0
  commits = 0

  add(line: string): void {
    const [seconds = '', email = '', name = ''] = line.split('\0')
    this.commits += 1
    this.#addMoment(moment(seconds))
    const key = email.toLowerCase() || name
    // Newest commits come first: the name that a person uses now is the one that stays.
    const person = this.#people.get(key) ?? { name, commits: 0 }
    this.#people.set(key, { name: person.name, commits: person.commits + 1 })
  }

  #addMoment(time: number | undefined): void {
    if (time === undefined) {
      this.#undated += 1
      return
    }
    const month = new Date(time).toISOString().slice(0, 7)
    this.#first = Math.min(this.#first, time)
    this.#last = Math.max(this.#last, time)
    this.#months.set(month, (this.#months.get(month) ?? 0) + 1)
  }

  result(): History {
    const people = [...this.#people.values()]
    const months = [...this.#months].map(([month, commits]) => ({ month, commits }))
    return {
      commits: this.commits,
      undatedCommits: this.#undated,
      firstCommitAt: months.length === 0 ? null : new Date(this.#first).toISOString(),
      lastCommitAt: months.length === 0 ? null : new Date(this.#last).toISOString(),
      byMonth: months.sort((a, b) => a.month.localeCompare(b.month)),
      contributors: people.sort((a, b) => b.commits - a.commits || a.name.localeCompare(b.name)),
    }
  }
}
