import { fanOutScenario } from '../../parity/fan-out.ts'
import { GCP } from '../../parity/gcp.ts'

// The emulators take their time for each document.
fanOutScenario(GCP, { crew: 250 })
