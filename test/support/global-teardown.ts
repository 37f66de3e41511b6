import { endRun } from './test-run.ts'

export default endRun
