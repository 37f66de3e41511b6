/**
 * `npm run bench`: what the budgets of docs/speed.md are measured with. Prints one line per workload and reference:
 * rates per server CPU-second, their ratio, the budget. Ratios of one run; absolute numbers differ between machines.
 */
import { availableParallelism, cpus } from 'node:os'
import { compare } from './comparisons/comparison.ts'
import { offlineVerification } from './comparisons/offline-verification.ts'
import { type MeasureOptions, measure, type Result } from './measure.ts'
import { coldVerification } from './observations/cold-verification.ts'
import type { Finding } from './observations/observation.ts'
import { revocationDelay } from './observations/revocation-delay.ts'
import { prepareSetting } from './setting.ts'
import { clientCredentials } from './workloads/client-credentials.ts'
import {
  introspectionOfJwt,
  introspectionOfKeys,
  introspectionOfPersonalTokens,
} from './workloads/introspection.ts'
import { discovery, jwks } from './workloads/static-documents.ts'
import { verifyOfKeys, verifyOfPersonalTokens } from './workloads/verify.ts'

const WORKLOADS = [
  clientCredentials,
  verifyOfKeys,
  verifyOfPersonalTokens,
  introspectionOfKeys,
  introspectionOfPersonalTokens,
  introspectionOfJwt,
  discovery,
  jwks,
]
/** Libraries: they need no server. */
const COMPARISONS = [offlineVerification]
const OBSERVATIONS = [coldVerification, revocationDelay]

const number = (name: string, fallback: number) => Number(process.env[name] ?? fallback)
const options: MeasureOptions = {
  rounds: number('BENCH_ROUNDS', 5),
  duration: number('BENCH_DURATION_MS', 1000),
  connections: number('BENCH_CONNECTIONS', 16),
}

function line({ workload, reference, ours, theirs, ratio, budget }: Result, width = 6): string {
  const verdict = budget === undefined ? '' : ratio >= budget ? `≥ ${budget} ok` : `≥ ${budget} MISSED`
  return [
    workload.padEnd(34),
    ours.toFixed(0).padStart(8),
    reference.padEnd(width),
    theirs.toFixed(0).padStart(8),
    ratio.toFixed(3).padStart(7),
    verdict,
  ].join('  ')
}

function finding({ what, value, budget, holds }: Finding): string {
  const verdict = budget === undefined ? '' : `${budget} ${holds ? 'ok' : 'MISSED'}`
  return `  ${what.padEnd(44)}  ${value.padStart(9)}  ${verdict}`
}

const words = process.argv.slice(2)
const isWanted = ({ name }: { readonly name: string }) =>
  words.length === 0 || words.some(word => name.includes(word))
const print = (line: string) => process.stdout.write(`${line}\n`)

print(`${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`)

for (const comparison of COMPARISONS.filter(isWanted)) {
  print(`\n${comparison.name}: calls per CPU-second, median of ${options.rounds} interleaved rounds\n`)
  const { rows, close } = await comparison.prepare()
  for (const row of rows) for (const result of await compare(row, options)) print(line(result, 20))
  await close()
}

const workloads = WORKLOADS.filter(isWanted)
const observations = OBSERVATIONS.filter(isWanted)
if (workloads.length + observations.length > 0) await withServers()

async function withServers(): Promise<void> {
  const setting = await prepareSetting()
  try {
    if (workloads.length > 0)
      print(`\nrequests per server CPU-second, median of ${options.rounds} interleaved rounds\n`)
    for (const workload of workloads)
      for (const result of await measure(workload, setting, options)) print(line(result))
    for (const observation of observations) {
      print(`\n${observation.name}`)
      for (const found of await observation.observe(setting)) print(finding(found))
    }
  } finally {
    await setting.close()
  }
}
