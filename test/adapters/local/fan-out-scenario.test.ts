import { fanOutScenario } from '../../parity/fan-out.ts'
import { LOCAL } from '../../parity/local.ts'

fanOutScenario(LOCAL)
