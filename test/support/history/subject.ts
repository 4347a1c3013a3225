import type fc from 'fast-check'
import type { TestServer } from '#test/support/server.ts'
import type { Model } from './linearizable.ts'

/** What of a server can be asked as its model is. */
export interface Subject<State, Asked, Answer> {
  readonly name: string
  readonly model: Model<State, Asked, Answer>
  /** What clients ask about, in order: names that are one text when their parts are joined in some way. */
  readonly keys: readonly string[]
  /** What a client asks that knows a version, one that it has met; 0: none. */
  readonly asked: fc.Arbitrary<(known: number) => Asked>
  ask(server: Pick<TestServer, 'url' | 'token'>, key: string, asked: Asked): Promise<Answer>
  /** Finds each version of each key that there was. */
  readonly versionsSql: string
  /** Finds the journal entries about each, in order. */
  readonly toldSql: string
}
