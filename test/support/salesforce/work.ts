import { randomBytes } from 'node:crypto'

/** One Apex test method of a fake org. */
export interface FakeTest {
  readonly method: string
  /** Why it fails; undefined: it passes. */
  readonly failure?: string
}

/** Rows that Bulk API 2.0 finds, made when they are asked for. */
export interface FakeRows {
  readonly columns: readonly string[]
  readonly count: number
  row(index: number): readonly string[]
}

export interface FakeDeployment {
  readonly id: string
  readonly options: Readonly<Record<string, unknown>>
  /** Files by name. */
  readonly files: ReadonlyMap<string, string>
  status: 'Pending' | 'InProgress' | 'Succeeded' | 'Failed' | 'Canceling' | 'Canceled'
  looks: number
}

export interface FakeTestRun {
  readonly id: string
  readonly classes: readonly string[]
  status: 'Queued' | 'Processing' | 'Completed' | 'Aborted'
}

export interface FakeBulkJob {
  readonly id: string
  readonly object: string
  state: 'UploadComplete' | 'InProgress' | 'JobComplete' | 'Aborted'
}

/** What an org of the fake does that takes a while, and what it works on. */
export class FakeWork {
  /** While true, nothing that is under way ends unless it is cancelled. */
  isHeld = false
  readonly deployments = new Map<string, FakeDeployment>()
  readonly retrieves = new Map<string, { readonly types: ReadonlyMap<string, readonly string[]>; looks: number }>()
  readonly testRuns = new Map<string, FakeTestRun>()
  readonly bulkJobs = new Map<string, FakeBulkJob>()
  /** Files that were deployed, as a retrieve has them. */
  readonly files = new Map<string, string>()
  /** Test methods by class. */
  readonly tests = new Map<string, readonly FakeTest[]>()
  /** What Bulk API 2.0 finds, by object. */
  readonly rows = new Map<string, FakeRows>()
}

/** An id of 18 characters with the prefix of its kind. */
export function fakeId(prefix: string): string {
  return `${prefix}${randomBytes(6).toString('hex').toUpperCase()}AAA`
}
