/**
 * Rates per server CPU-second, ours and the references' in interleaved rounds, and the median of each: what else the
 * machine does falls on all of them alike.
 */
import { type Answer, run } from './load.ts'
import type { Server } from './server.ts'
import type { Setting } from './setting.ts'

export interface Subject {
  readonly server: Server
  readonly requests: readonly Buffer[]
  check(answer: Answer): void
}

export interface Workload {
  readonly name: string
  /** The least ratio of our rate to a reference's, by its name; undefined: only shown. */
  readonly budgets: Readonly<Record<string, number | undefined>>
  prepare(setting: Setting): Promise<{ ours: Subject; references: Readonly<Record<string, Subject>> }>
}

export interface Result {
  readonly workload: string
  readonly reference: string
  /** Requests per CPU-second. */
  readonly ours: number
  readonly theirs: number
  readonly ratio: number
  readonly budget: number | undefined
}

export interface MeasureOptions {
  readonly rounds: number
  /** Milliseconds of load per server and round. */
  readonly duration: number
  readonly connections: number
}

/** Until the compiler has nothing left to do: a first round is half as fast as the third. */
const WARM_ROUNDS = 3

async function rateOf(
  { server, requests, check }: Subject,
  { duration, connections }: MeasureOptions,
): Promise<number> {
  const before = await server.cpu()
  const answered = await run({ port: server.port, requests, connections, duration, check })
  return answered / ((await server.cpu()) - before)
}

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

export async function measure(
  workload: Workload,
  setting: Setting,
  options: MeasureOptions,
): Promise<Result[]> {
  const { ours, references } = await workload.prepare(setting)
  const subjects = Object.entries({ ours, ...references })
  for (let round = 0; round < WARM_ROUNDS; round++)
    for (const [, subject] of subjects) await rateOf(subject, options)
  const rates = new Map<string, number[]>(subjects.map(([name]) => [name, []]))
  for (let round = 0; round < options.rounds; round++)
    for (const [name, subject] of subjects) rates.get(name)?.push(await rateOf(subject, options))
  const rate = (name: string) => median(rates.get(name) ?? [])
  return Object.keys(references).map(reference => ({
    workload: workload.name,
    reference,
    ours: rate('ours'),
    theirs: rate(reference),
    ratio: rate('ours') / rate(reference),
    budget: workload.budgets[reference],
  }))
}
