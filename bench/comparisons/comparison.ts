/**
 * Functions of a library beside what they are measured against, in one process: there is no server between them. Subjects take
 * turns; a round's time is the CPU time of this process.
 */
import type { Result } from '../measure.ts'

export interface Contender {
  /** Works through all it has once. @returns how many */
  work(): number | Promise<number>
}

export interface Comparison {
  readonly name: string
  prepare(): Promise<{
    /** Ours, by what is done; each is compared with its own references. */
    readonly rows: readonly Row[]
    close(): Promise<void>
  }>
}

export interface Row {
  readonly workload: string
  readonly ours: Contender
  readonly references: Readonly<Record<string, Contender>>
  /** The least ratio of our rate to a reference's; undefined: only shown. */
  readonly budgets: Readonly<Record<string, number | undefined>>
}

export interface CompareOptions {
  readonly rounds: number
  /** Milliseconds of each in each round, at least. */
  readonly duration: number
}

const WARM_ROUNDS = 3

/** Calls per CPU-second. */
async function rateOf({ work }: Contender, duration: number): Promise<number> {
  const until = performance.now() + duration
  const before = process.cpuUsage()
  let done = 0
  while (performance.now() < until) done += await work()
  const { user, system } = process.cpuUsage(before)
  return (done * 1_000_000) / (user + system)
}

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

export async function compare(row: Row, { rounds, duration }: CompareOptions): Promise<Result[]> {
  const contenders = Object.entries({ ours: row.ours, ...row.references })
  const rates = new Map<string, number[]>(contenders.map(([name]) => [name, []]))
  for (let round = -WARM_ROUNDS; round < rounds; round++)
    for (const [name, contender] of contenders) {
      const rate = await rateOf(contender, duration)
      if (round >= 0) rates.get(name)?.push(rate)
    }
  // The ratio of each round, then their median: what the machine does meanwhile falls on both.
  const ours = rates.get('ours') ?? []
  return Object.keys(row.references).map(reference => {
    const theirs = rates.get(reference) ?? []
    return {
      workload: row.workload,
      reference,
      ours: median(ours),
      theirs: median(theirs),
      ratio: median(ours.map((rate, round) => rate / (theirs[round] ?? Number.NaN))),
      budget: row.budgets[reference],
    }
  })
}
