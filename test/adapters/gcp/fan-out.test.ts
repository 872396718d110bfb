import { fanOutScenario } from '../../parity/fan-out.ts'
import { GCP } from '../../parity/gcp.ts'

fanOutScenario(GCP)
